// `npm run test:consumers`: what `npm run package` has put into dist/, used as strangers would. Each artefact is installed in a
// fresh folder outside the checkout; the same apps, written in each language, have to synthesize the same cloud assemblies.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { differences } from './assemblies.mjs';
import { contentProblems } from './contents.mjs';
import { javaConsumer } from './java.mjs';
import { missingPackages } from './packages.mjs';
import { FROM_SDIST, pythonConsumer } from './python.mjs';
import { EXAMPLES } from './run.mjs';
import { typescriptConsumer } from './typescript.mjs';
import { missingTools } from '../../scripts/tools.mjs';

const APPS = [...EXAMPLES, 'everything-brought', 'own-parts'];
/** What each language has to say about the values of `bad-values`. */
const REFUSAL = [
  'lustreStorageCapacity (construct props) is 1000; it must be 1200 or a multiple of 2400 GiB for PERSISTENT_2; use 1200 or 2400',
  'jobDefinitionVcpus (construct props) is 0; it must be a whole number of vCPUs',
  'lambdaPeriod (construct props) is 90; it must be a multiple of 60 seconds',
  'jobEnvironment (construct props) is an object of 1; it must be an object with string values; no name is empty, holds =, begins with AWS_BATCH',
  'at construct BadValues/Pipeline',
];
const AT_THE_TOP = 10; // lines, with what Node.js and the languages put before a message

const started = Date.now();
const results = [];
function report(what, problems) {
  results.push(problems.length === 0);
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${what} (${Math.round((Date.now() - started) / 1000)} s)`);
  for (const problem of problems) console.log(`       ${problem}`);
}
const failure = ({ message, stdout = '', stderr = '' }) => [message, ...`${stdout}${stderr}`.trim().split('\n').slice(-40)];

const missing = [...missingTools('python3', 'mvn'), ...missingPackages];
if (missing.length > 0) {
  console.error(missing.join('\n'));
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'consumers-'));
try {
  report('the packages hold what they should, and nothing of the machine that built them', await contentProblems().catch(failure));
  const consumers = [typescriptConsumer, pythonConsumer, javaConsumer].map((consumer) => consumer(join(folder, 'of ')));
  const assemblies = await Promise.all(consumers.map(async ({ language, install, synthesize, more = [] }) => {
    try {
      await install();
    } catch (error) {
      report(`${language}: installs in an empty folder`, failure(error));
      return [];
    }
    report(`${language}: installs in an empty folder`, []);
    const of = {};
    for (const app of [...APPS, ...more]) {
      of[app] = join(folder, `${language}-${app}`);
      await synthesize(app, of[app]).then(() => report(`${language}: ${app} synthesizes`, []), (error) => report(`${language}: ${app} synthesizes`, failure(error)));
    }
    await synthesize('bad-values', join(folder, `${language}-bad-values`)).then(
      () => report(`${language}: bad values are refused`, ['they were accepted']),
      ({ stdout, stderr }) => {
        const said = `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '');
        const top = said.slice(0, AT_THE_TOP).join('\n');
        report(`${language}: bad values are refused, at the top of what is seen`, REFUSAL.filter((words) => !top.includes(words))
          .map((words) => `not among the first ${AT_THE_TOP} lines: ${words}; but: ${said.slice(0, 20).join('\n')}`));
      },
    );
    return of;
  }));
  const [typescript, python, java] = assemblies;
  for (const app of APPS) {
    report(`${app}: Python's cloud assembly is TypeScript's`, differences(typescript[app], python[app]));
    report(`${app}: Java's cloud assembly is TypeScript's`, differences(typescript[app], java[app]));
  }
  report(`${FROM_SDIST}: Python's cloud assembly is TypeScript's`, differences(typescript.minimal, python[FROM_SDIST]));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const failed = results.filter((passed) => !passed).length;
console.log(failed === 0 ? `consumers: all ${results.length} checks hold` : `consumers: ${failed} of ${results.length} checks do not hold`);
process.exitCode = failed === 0 ? 0 : 1;
