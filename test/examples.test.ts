import { execFileSync } from 'child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { Template } from 'aws-cdk-lib/assertions';
import { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { EXAMPLE_APPS, synthesizeExample } from './helpers/example-apps';
import { BRISK, calls, states, summary, work } from './helpers/pipeline-run';
import { countTypes } from './synthesized';
import { KeepForReview } from '../examples/typescript/own-drain-monitor/keep-for-review';
import { ArrayThenMerge } from '../examples/typescript/own-workload/array-then-merge';
import { checkDrainMonitor, checkWorkload, keepsItsPromises } from '../local/conformance';
import { brokenInvariants } from '../local/conformance/world-audit';
import { EngineOptions, LocalEngine } from '../local/engine';
import { JobScript } from '../local/models/job-script';

const EXAMPLES = join(__dirname, '../examples');
const TYPESCRIPT = EXAMPLE_APPS.filter((folder) => folder.startsWith('typescript/'));
const IN_ANY_LANGUAGE = ['typescript', 'python', 'java'].flatMap((language) => readdirSync(join(EXAMPLES, language)).map((name) => `${language}/${name}`));
const KEPT = 'cdk-lustre-auto-export:kept';

const assemblies = new Map<string, CloudAssembly>();

/** An app synthesizes where it is imported, and that is once. */
function assemblyOf(folder: string): CloudAssembly {
  if (!assemblies.has(folder)) assemblies.set(folder, synthesizeExample(folder));
  return assemblies.get(folder)!;
}

const templateOf = (folder: string) => Template.fromJSON(assemblyOf(folder).stacks[0].template);

/** One execution of the example's state machine, and its world. Whatever becomes of it, the invariants hold. */
async function runOf(folder: string, options: Partial<EngineOptions> = {}, prepare: (engine: LocalEngine) => void = () => {}) {
  const engine = new LocalEngine({ job: work(), ...options, template: assemblyOf(folder).directory });
  prepare(engine);
  const run = await engine.execute(undefined, BRISK);
  await engine.pass(3600);
  expect(brokenInvariants(engine, [run])).toEqual([]);
  const objects = engine.models.buckets.list().flatMap((bucket) => bucket.list()).filter(({ key }) => !key.endsWith('/'));
  return { engine, run, objects, names: objects.map(({ key }) => key.split('/').at(-1)!), ...engine.models };
}

/** A container whose command a real shell runs, in a directory that stands for the file system. */
function shell(script?: string): JobScript {
  const directory = temporary();
  return async ({ command, environment, wait, read, save }) => {
    await wait(300); // long enough to be reclaimed
    const [program, ...args] = script ? ['sh', script] : command;
    execFileSync(program, args, { env: { ...environment, LUSTRE_PATH: directory, PATH: process.env.PATH }, stdio: 'pipe' });
    for (const file of readdirSync(directory)) {
      const content = readFileSync(join(directory, file), 'utf8');
      if (read(file) !== content) save(file, content.length, content);
    }
  };
}

const temporary = () => mkdtempSync(join(tmpdir(), 'example-'));

const EVERY_FILE = [...Array.from({ length: 12 }, (_, i) => `file-${i}`), 'checkpoint']; // of `work()`

describe.each(TYPESCRIPT)('%s', (folder) => {
  test('synthesizes one stack, and needs no account for it', () => {
    const { stacks, manifest } = assemblyOf(folder);
    expect(stacks).toHaveLength(1);
    expect(manifest.missing).toBeUndefined();
    templateOf(folder).resourceCountIs('AWS::StepFunctions::StateMachine', 1);
  });

  test('begins with npx tsx app.ts', () => {
    expect(JSON.parse(readFileSync(join(EXAMPLES, folder, 'cdk.json'), 'utf8')).app).toBe('npx tsx app.ts');
  });
});

describe.each(IN_ANY_LANGUAGE)('README of %s', (folder) => {
  const readme = () => readFileSync(join(EXAMPLES, folder, 'README.md'), 'utf8');

  test('is short, and says what the example is about and how it is synthesized', () => {
    const lines = readme().trimEnd().split('\n');
    expect(lines[0]).toMatch(/^# \S/);
    expect(lines.length).toBeLessThanOrEqual(15);
    expect(readme()).toMatch(/npx cdk synth|\(\.\.\/minimal\/README\.md\)|python app\.py|mvn .*exec:java/);
    expect(readme()).toMatch(/USD|\bcosts?\b/i);
  });

  test('names no file that is missing', () => {
    const here = join(EXAMPLES, folder);
    const links = [...readme().matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) => target).filter((target) => !target.startsWith('https://'));
    const files = readme().match(/[\w./-]+\.(?:ts|js|json|sh|py|txt|xml|java|md)\b|\bDockerfile\b/g) ?? [];
    const somewhere = readdirSync(here, { recursive: true, encoding: 'utf8' });
    const isThere = (file: string) => existsSync(join(here, file)) || somewhere.some((each) => each.endsWith(file) && !each.includes('node_modules'));
    expect([...links, ...files].filter((file) => !isThere(file))).toEqual([]);
  });
});

describe('what is renamed was synced before: a name may be on the file servers before the data, and a reclaim loses the rest', () => {
  const sources = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(\.(ts|js|sh|py|java)|Dockerfile)$/.test(file) && !/node_modules|cdk\.out|\.venv|target\//.test(file));
  const renames = (text: string) => [...text.matchAll(/\bmv (\S+) \S/g)];
  const unsynced = (text: string) => renames(text).filter(({ index, 1: file }) => !text.slice(0, index).includes(`sync ${file}`)).map(([rename]) => rename);
  const texts = sources.map((file) => [file, readFileSync(join(EXAMPLES, file), 'utf8')]).filter(([, text]) => renames(text).length > 0);

  test.each(texts)('%s', (_, text) => {
    expect(unsynced(text)).toEqual([]);
    expect(unsynced(text.replaceAll('sync ', 'cat '))).toHaveLength(renames(text).length); // the rule sees one that is missing
  });

  test('of every example whose job renames', () => {
    expect(texts.map(([file]) => file).sort())
      .toEqual(['auto-export-app/job/job.sh', 'typescript/dockerfile-image/image/job.sh', 'typescript/own-workload/app.ts']);
  });
});

describe('minimal', () => {
  test('a run brings its files to the bucket and deletes its file system, once there is an image', async () => {
    const { run, names, fsx } = await runOf('typescript/minimal', {}, ({ template, models }) =>
      models.ecr.push(template.ofType('AWS::ECR::Repository')[0].physicalId, 'latest'));
    expect(run.status).toBe('SUCCEEDED');
    expect(names.sort()).toEqual([...EVERY_FILE].sort());
    expect(fsx.living()).toEqual([]);
  });
});

describe('existing-network-and-bucket', () => {
  const folder = 'typescript/existing-network-and-bucket';

  test('creates neither network nor bucket nor repository', () => {
    const created = Object.keys(countTypes(templateOf(folder)));
    for (const type of ['EC2::VPC', 'EC2::Subnet', 'EC2::SecurityGroup', 'EC2::VPCEndpoint', 'EC2::InternetGateway', 'S3::Bucket', 'ECR::Repository']) {
      expect(created).not.toContain(`AWS::${type}`);
    }
  });

  test('a run uses what is there, and exports below the prefix', async () => {
    const { run, objects, fsx, ec2 } = await runOf(folder, { buckets: ['my-results'] });
    expect(run.status).toBe('SUCCEEDED');
    expect(calls(run, 'CreateFileSystem')[0].input).toMatchObject({ SubnetIds: ['subnet-0aaaaaaaaaaaaaaaa'], SecurityGroupIds: ['sg-0a1b2c3d4e5f60718'] });
    expect(ec2.instances.length).toBeGreaterThan(0);
    const template = templateOf(folder);
    template.hasResourceProperties('AWS::Batch::ComputeEnvironment', {
      ComputeResources: { Subnets: ['subnet-0aaaaaaaaaaaaaaaa'], SecurityGroupIds: ['sg-0a1b2c3d4e5f60718'] },
    });
    expect(objects).toHaveLength(EVERY_FILE.length);
    expect(run.output.s3Location).toMatch(/^s3:\/\/my-results\/simulations\/[^/]+\/$/);
    for (const { key } of objects) expect(`s3://my-results/${key}`).toContain(run.output.s3Location);
    expect(fsx.living()).toEqual([]);
  });
});

describe('dockerfile-image', () => {
  const folder = 'typescript/dockerfile-image';
  const SCRIPT = join(EXAMPLES, folder, 'image/job.sh');

  test('the image is built from the folder', () => {
    const dockerfile = readFileSync(join(EXAMPLES, folder, 'image/Dockerfile'), 'utf8');
    expect(dockerfile).toMatch(/^COPY job\.sh \/job\.sh$/m);
    expect(dockerImages(folder)).toHaveLength(1);
    expect(existsSync(join(assemblyOf(folder).directory, dockerImages(folder)[0].source.directory, 'job.sh'))).toBe(true);
  });

  test('a second attempt of its script makes what is missing, and touches nothing else', () => {
    const directory = temporary();
    const attempt = (PARTS: string) => execFileSync('sh', [SCRIPT], { env: { PATH: process.env.PATH, LUSTRE_PATH: directory, PARTS }, encoding: 'utf8' });
    attempt('3');
    writeFileSync(join(directory, 'part-2'), 'as it was');
    writeFileSync(join(directory, 'part-4.tmp'), 'half'); // killed just before it had its name
    attempt('5');
    expect(readdirSync(directory).sort()).toEqual(['part-1', 'part-2', 'part-3', 'part-4', 'part-5']);
    expect(readFileSync(join(directory, 'part-2'), 'utf8')).toBe('as it was');
    expect(readFileSync(join(directory, 'part-4'), 'utf8')).not.toContain('half');
  });

  test('a run that is reclaimed once has every file in the bucket', async () => {
    const { run, names, batch } = await runOf(folder, { job: shell(SCRIPT) }, ({ models }) => {
      const { repositoryName, imageTag } = dockerImages(folder)[0].destination;
      models.ecr.push(repositoryName, imageTag);
      models.batch.reclaimAt(100);
    });
    expect(run.status).toBe('SUCCEEDED');
    expect(batch.containers).toHaveLength(2);
    expect(names).toHaveLength(100);
    expect(calls(run, 'RegisterJobDefinition')[0].input.containerProperties.image).toContain(dockerImages(folder)[0].destination.imageTag);
  });
});

describe('persistent-with-kms', () => {
  const folder = 'typescript/persistent-with-kms';

  test('the key encrypts file system and bucket, and the file system is as fast as it is said', async () => {
    const { engine, run, names, fsx } = await runOf(folder);
    const [key] = engine.template.ofType('AWS::KMS::Key');
    expect(calls(run, 'CreateFileSystem')[0].input).toMatchObject({
      KmsKeyId: key.arn,
      StorageCapacity: 4800,
      LustreConfiguration: { DeploymentType: 'PERSISTENT_2', PerUnitStorageThroughput: 250, DataCompressionType: 'LZ4' },
    });
    const [bucket] = engine.template.ofType('AWS::S3::Bucket');
    expect(JSON.stringify(bucket.properties.BucketEncryption)).toContain(key.arn);
    expect([run.status, fsx.living()]).toEqual(['SUCCEEDED', []]);
    expect(names.sort()).toEqual([...EVERY_FILE].sort());
  });

  test('a run that failed keeps its file system for 48 hours, then the cleaner proves and deletes it', async () => {
    const { engine, run, fsx, names } = await runOf(folder, { job: (job) => { job.save('log', 10); job.exit(3); }, events: true });
    expect(run.error).toBe('JobFailed');
    expect(fsx.living()).toHaveLength(1);
    await engine.pass(46 * 3600);
    expect(fsx.living()).toHaveLength(1);
    expect(await engine.settle()).toBe(true);
    expect(fsx.living()).toEqual([]);
    expect(fsx.deletions()[0].at - Date.parse(run.history.at(-1)!.time)).toBeGreaterThan(48 * 3_600_000);
    expect(names).toEqual(['log']);
  });

  test('an alarm for runs that failed, and one for a cleaner that could not work', () => {
    const template = templateOf(folder);
    template.resourceCountIs('AWS::CloudWatch::Alarm', 2);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { Namespace: 'AWS/States', MetricName: 'ExecutionsFailed', Threshold: 1 });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { Namespace: 'AWS/Lambda', MetricName: 'Errors', Threshold: 1 });
  });
});

describe('own-drain-monitor', () => {
  const folder = 'typescript/own-drain-monitor';

  test('a run ends with ExportNotProven, and its file system waits for somebody', async () => {
    const { run, names, fsx } = await runOf(folder, {}, ({ template, models }) =>
      models.ecr.push(template.ofType('AWS::ECR::Repository')[0].physicalId, 'latest'));
    expect([run.status, run.error]).toEqual(['FAILED', 'ExportNotProven']);
    expect(states(run)).toEqual(expect.arrayContaining(['LetExportRun', 'LookAtLink', 'LeaveToReview', 'KeepFileSystem']));
    expect(summary(run).export).toMatchObject({ proven: false, reason: 'LeftToReview' });
    expect(fsx.living().map(({ tags }) => tags.get(KEPT))).toEqual([expect.any(String)]);
    expect(fsx.deletions()).toEqual([]);
    expect(names.sort()).toEqual([...EVERY_FILE].sort());
  });

  keepsItsPromises(() => checkDrainMonitor(() => new KeepForReview(), { proves: false }));
});

describe('own-workload', () => {
  const folder = 'typescript/own-workload';
  const parts = Array.from({ length: 20 }, (_, i) => `part-${i}`);

  test('the second job has read what every child of the array wrote, though each job was reclaimed once', async () => {
    const { run, objects, fsx, batch } = await runOf(folder, { job: shell() }, ({ models }) => models.batch.reclaimAt(100));
    expect(run.status).toBe('SUCCEEDED');
    const content = Object.fromEntries(objects.map((object) => [object.key.split('/').at(-1), object.bytes?.toString()]));
    expect(Object.keys(content).sort()).toEqual(['all', ...parts].sort());
    expect(content.all).toBe(parts.map((part) => `result of ${part}\n`).join(''));
    expect([batch.jobs.length, batch.containers.length]).toEqual([21, 42]); // 20 children and the merge, two attempts of each
    expect(batch.definitions.all.filter(({ status }) => status === 'ACTIVE')).toEqual([]);
    expect(fsx.living()).toEqual([]);
  });

  test('an answer that was lost makes no second job', async () => {
    const { run, batch } = await runOf(folder, {
      job: shell(), faults: ['RegisterJobDefinition', 'SubmitJob'].map((action) => ({ on: `batch:${action}`, loseAnswer: true, nth: 1 })),
    });
    expect([run.status, batch.jobs.length]).toEqual(['SUCCEEDED', 21]);
    expect(calls(run, 'RegisterJobDefinition')).toHaveLength(1);
    expect(calls(run, 'SubmitJob')).toHaveLength(2);
  });

  keepsItsPromises(() => checkWorkload((scope) => new ArrayThenMerge(scope, 'Workload', { size: 2, arrayCommand: ['array'], mergeCommand: ['merge'] })));
});

/** The images that a deploy builds. */
function dockerImages(folder: string): { source: { directory: string }; destination: { repositoryName: string; imageTag: string } }[] {
  const assembly = assemblyOf(folder);
  const [file] = readdirSync(assembly.directory).filter((each) => each.endsWith('.assets.json'));
  const { dockerImages: images } = JSON.parse(readFileSync(join(assembly.directory, file), 'utf8'));
  return Object.values<any>(images).map(({ source, destinations }) => ({ source, destination: Object.values<any>(destinations)[0] }));
}
