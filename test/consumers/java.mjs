import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXAMPLES, run } from './run.mjs';

const MAIN = {
  'minimal': 'example.MinimalApp',
  'own-drain-monitor': 'example.OwnDrainMonitorApp',
  'everything-brought': 'consumer.EverythingBrought',
  'own-parts': 'consumer.OwnParts',
  'bad-values': 'consumer.BadValues',
};

/** Maven, which finds the jar in `dist/java`. */
export function javaConsumer(prefix) {
  const folder = `${prefix}Java`;
  const maven = (goals, env) => run('mvn', ['-B', '-q', '-ntp', `-Dlibrary.repository=${pathToFileURL(resolve('dist/java'))}`, ...goals], folder, env);
  return {
    language: 'Java',
    async install() {
      rmSync(join(homedir(), '.m2/repository/io/github/cdklustre'), { recursive: true, force: true }); // what packing left: it has to come from dist
      mkdirSync(folder);
      cpSync('examples/java/minimal/pom.xml', join(folder, 'pom.xml'));
      for (const sources of [...EXAMPLES.map((example) => `examples/java/${example}`), 'test/consumers/java']) cpSync(join(sources, 'src'), join(folder, 'src'), { recursive: true });
      await maven(['compile']);
    },
    synthesize: (app, outdir) => maven(['exec:java', `-Dexec.mainClass=${MAIN[app]}`], { CDK_OUTDIR: outdir }),
  };
}
