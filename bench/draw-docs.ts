import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { Command } from 'commander';
import { comparePolicies, readCurve } from './seed-policy';
import { synthesizeDemo } from '../local/demo/app';
import { oneRun } from '../local/demo/one-run';
import { phaseOf } from '../local/demo/phases';
import { exportCurveSvg } from '../local/pictures/export-curve';
import { overviewSvg } from '../local/pictures/overview';
import { Template } from '../local/template';

const DOCS = join(__dirname, '..', 'docs');

type Draw = (directory: string) => Promise<string>;

/** Pictures that are the same each time. */
export const CHECKED: { readonly [file: string]: Draw } = {
  'workflow.svg': async (directory) => {
    const template = new Template(synthesizeDemo(directory).directory, { partition: 'aws', region: 'us-east-1', account: '123456789012' });
    const [{ properties }] = template.ofType('AWS::StepFunctions::StateMachine');
    return overviewSvg(JSON.parse(properties.DefinitionString), { title: 'One run, and what comes after it', partOf: phaseOf });
  },
  'export-curve.svg': async () => {
    const [seed, , ours] = await comparePolicies();
    return exportCurveSvg({
      rules: [
        { name: 'the original document', deletesAt: seed.deletedAtMinute!, ageThen: seed.ageThen!, lost: seed.lost },
        { name: 'this library', deletesAt: ours.deletedAtMinute!, ageThen: ours.ageThen!, lost: ours.lost, emptyAt: ours.queueEmptyAtMinute },
      ],
      age: readCurve(),
      waiting: ours.waiting,
      sources: [
        'Metric: one public field test, us-east-2, 8 August 2026 (repository AllenXieSZ/storage);',
        'PERSISTENT_2, 1.2 TiB, 250 MB/s/TiB; 1,000,000 files of 10 KB.',
        'Files and rules: npm run bench:seed-policy runs both state machines in the local engine, which exports',
        'the measured 213 objects/s. The curves do not end together: the age does not say how many wait.',
        'The original document deletes when all values of the last 15 minutes are zero; this library asks for 15 minutes',
        'of zeros after the last possible write, and then for an export task in which nothing failed.',
      ],
    });
  },
};

/** Drawn from a run in real time, each a little different from the last. */
const DRAWN: { readonly [file: string]: Draw } = {
  'timeline.svg': async (directory) => {
    const status = await oneRun({ files: 3000, seed: 1, interruptions: 1, out: directory, all: false }, () => {});
    if (status !== 0) throw new Error('the run of the demo has not ended well: npm run demo shows why');
    return readFileSync(join(directory, 'timeline.svg'), 'utf8');
  },
};

async function drawn(draw: Draw): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'draw-docs-'));
  try {
    return await draw(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Pictures in `docs` that are not what would be drawn now. */
export async function outdated(): Promise<string[]> {
  const wrong: string[] = [];
  for (const [file, draw] of Object.entries(CHECKED)) if (await drawn(draw) !== readFileSync(join(DOCS, file), 'utf8')) wrong.push(file);
  return wrong;
}

async function main(): Promise<number> {
  const { check } = new Command('npm run docs:pictures --').description('Draws the pictures in docs/.')
    .option('--check', 'only looks whether those that are the same each time are up to date').parse().opts<{ check?: boolean }>();
  if (check) {
    const wrong = await outdated();
    process.stdout.write(wrong.length > 0 ? `not up to date: ${wrong.join(', ')}; draw with npm run docs:pictures\n` : 'the pictures are up to date\n');
    return wrong.length > 0 ? 1 : 0;
  }
  for (const [file, draw] of Object.entries({ ...CHECKED, ...DRAWN })) {
    writeFileSync(join(DOCS, file), await drawn(draw));
    process.stdout.write(`docs/${file}\n`);
  }
  return 0;
}

if (require.main === module) {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  main().then((status) => process.exit(status), (error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  });
}
