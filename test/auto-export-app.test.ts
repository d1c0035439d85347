import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises'; // real time, also where a world has its own
import { Template } from 'aws-cdk-lib/assertions';
import { App } from 'aws-cdk-lib/core';
import { synthesizeExample } from './helpers/example-apps';
import { calls, summary } from './helpers/pipeline-run';
import { definitionOf, textOf } from './synthesized';
import { addStack } from '../examples/auto-export-app/auto-export-stack';
import { LocalEngine } from '../local/engine';
import { DirectoryFiles } from '../local/models/directory-files';
import { JobScript, RunningJob } from '../local/models/job-script';

const FOLDER = join(__dirname, '../examples/auto-export-app');
const JOB = join(FOLDER, 'job/job.sh');
const IMAGE_OF_REPOSITORY = 'ECRリポジトリのイメージURI';

const section = JSON.parse(readFileSync(join(FOLDER, 'cdk.json'), 'utf8')).context.autoExport;
const assembly = synthesizeExample('auto-export-app');
const [{ stackName, templateFullPath }] = assembly.stacks;
const template = Template.fromJSON(JSON.parse(readFileSync(templateFullPath, 'utf8')));
const definition = definitionOf(template);
const propertiesOf = (type: string) => Object.values(template.findResources(type)).map(({ Properties }) => Properties);

/** Name and default of each row of the seed's two tables. */
const seed: Record<string, unknown>[] = readFileSync(join(__dirname, 'fixtures/seed-parameters.ja.md'), 'utf8').split('### ').slice(1).map((table) => {
  const rows = table.split('\n').filter((line) => /^\| [a-z]/.test(line)).map((line) => line.split('|').map((cell) => cell.trim()));
  return Object.fromEntries(rows.map(([, name, , value]) => [name, value === IMAGE_OF_REPOSITORY ? value : JSON.parse(value)]));
});

const root = mkdtempSync(join(tmpdir(), 'auto-export-app-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('the defaults of the seed', () => {
  test('8 of the first table are in the template', () => {
    const [{ ComputeResources }] = propertiesOf('AWS::Batch::ComputeEnvironment');
    expect({
      envName: definition.States.CreateLustreFileSystem.Parameters.settings.envName,
      ecrRepositoryName: propertiesOf('AWS::ECR::Repository')[0].RepositoryName,
      computeEnvironmentType: ComputeResources.Type,
      computeEnvironmentAllocationStrategy: ComputeResources.AllocationStrategy,
      computeEnvironmentInstanceTypes: ComputeResources.InstanceTypes,
      computeEnvironmentMinvCpus: ComputeResources.MinvCpus,
      computeEnvironmentMaxvCpus: ComputeResources.MaxvCpus,
      computeEnvironmentDesiredvCpus: ComputeResources.DesiredvCpus ?? 0, // AWS Batch begins with none where none is written
    }).toEqual(seed[0]);
    expect(stackName).toBe(`${seed[0].envName}Stack`);
  });

  test('14 of the second table are what the secret is filled with', () => {
    const [{ Create }] = propertiesOf('Custom::AWS');
    const { action, parameters } = JSON.parse(textOf(Create));
    const [secret] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
    const [repository] = Object.keys(template.findResources('AWS::ECR::Repository'));
    expect([action, parameters.SecretId]).toEqual(['putSecretValue', `\${${secret}}`]);
    const { jobDefinitionContainerImage, ...written } = JSON.parse(parameters.SecretString);
    const { jobDefinitionContainerImage: image, ...rest } = seed[1];
    expect(written).toEqual(rest);
    expect(image).toBe(IMAGE_OF_REPOSITORY);
    expect(jobDefinitionContainerImage).toMatch(new RegExp(`^\\S+\\.dkr\\.ecr\\.\\S+/\\$\\{${repository}\\}:latest$`));
    // and what a run falls back to where the secret says nothing
    expect(definition.States.ExtractParameters.Parameters.defaults).toMatchObject({ ...rest, jobDefinitionContainerImage });
  });

  test('cdk.json names the 22 parameters, each with its default', () => {
    expect(seed.map((table) => Object.keys(table).length)).toEqual([8, 14]);
    expect(section).toEqual({ ...seed[0], ...seed[1], jobDefinitionContainerImage: '' });
  });

  test('the whole bucket is linked both ways', () => {
    const { settings } = definition.States.CreateDataRepositoryAssociation.Parameters;
    const events = ['NEW', 'CHANGED', 'DELETED'];
    expect(settings).toMatchObject({ importExistingObjects: true, importEvents: events, exportEvents: events });
    expect(definition.States.ExtractParameters.Parameters.settings).toMatchObject({ prefix: '', prefixPerRun: false });
  });

  test('the outputs that the README uses', () => {
    const outputs = Object.keys(template.toJSON().Outputs);
    expect(outputs.sort()).toEqual(['BucketName', 'RepositoryUri', 'SecretArn', 'StateMachineArn']);
    for (const readme of ['README.md', 'README.ja.md']) {
      const text = readFileSync(join(FOLDER, readme), 'utf8');
      for (const output of outputs) expect(text).toContain(output);
    }
  });
});

test('the states of the seed\'s eleven steps are in the state machine', () => {
  expect(Object.keys(definition.States)).toEqual(expect.arrayContaining([
    'GetSecret', 'ExtractParameters', 'CreateLustreFileSystem', 'CreateDataRepositoryAssociation', 'WaitForFileSystem', 'CheckFileSystemStatus',
    'CheckDataRepositoryAssociation', 'IsFileSystemAndAssociationAvailable', 'CreateLaunchTemplate', 'UpdateComputeEnvironment', 'CreateJobDefinition',
    'SubmitJob', 'WaitForJobCompletion', 'CheckJobStatus', 'IsJobComplete', 'CheckMetrics', 'ShouldDeleteFSx', 'DeleteFSx',
  ]));
});

describe('what is wrong is said', () => {
  const changed = (change: object) => ({ type: 'autoExport', autoExport: { ...section, ...change } });
  const problems: [string, object, string][] = [
    ['no type', { autoExport: section }, 'no type is given; write it behind the command: npx cdk deploy -c type=autoExport'],
    ['an unknown type', { ...changed({}), type: 'autoexport' }, "type is 'autoexport'; it must be autoExport: npx cdk deploy -c type=autoExport"],
    ['the type of an object', { ...changed({}), type: 'toString' }, "type is 'toString'; it must be autoExport"],
    ['the mode taskExport', { ...changed({}), type: 'taskExport' },
      'type taskExport is a mode of batch-with-lustre that this app does not have; set "autoExport": false'],
    ['the mode onlyEBS', { ...changed({}), type: 'onlyEBS' },
      'type onlyEBS is a mode of batch-with-lustre that this app does not have; this app always has a Lustre file system'],
    ['no section', { type: 'autoExport' }, 'context has no object \'autoExport\' (got nothing); add "autoExport": {} to the "context" of cdk.json'],
    ['a misspelt key', changed({ lustreStorageCapasity: 1200 }), 'autoExport.lustreStorageCapasity is not a parameter; did you mean lustreStorageCapacity?'],
    ['a misspelt key of the first table', changed({ computeEnvironmentMaxVcpu: 1 }), 'did you mean computeEnvironmentMaxvCpus?'],
    ['a wrong type', changed({ computeEnvironmentMaxvCpus: '256' }), 'autoExport.computeEnvironmentMaxvCpus is "256"; it must be a whole number, 0 or more'],
    ['a wrong value', changed({ lustreStorageCapacity: 2000 }),
      'lustreStorageCapacity (autoExport section) is 2000; it must be 1200 or a multiple of 2400 GiB for PERSISTENT_2; use 1200 or 2400'],
    ['two images', changed({ jobDefinitionContainerImage: 'busybox:1' }), 'autoExport has both ecrRepositoryName and jobDefinitionContainerImage'],
    ['a name that no stack can have', changed({ envName: 'my env' }), 'Stack name must match'],
  ];

  test.each(problems)('%s', (_, context, message) => {
    let said = 'nothing';
    try {
      addStack(new App({ context: context as Record<string, unknown> }));
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toContain(message);
  });

  test('by the app itself, with nothing else on the screen', () => {
    const context = JSON.stringify({ autoExport: section, type: 'taskExport' });
    const env = { ...process.env, CDK_CONTEXT_JSON: context, NPM_CONFIG_LOGLEVEL: 'error' }; // no news of npm
    const { status, stdout, stderr } = spawnSync('npx', ['tsx', 'app.ts'], { cwd: FOLDER, encoding: 'utf8', env });
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^type taskExport is a mode of batch-with-lustre/)]);
  });
});

/** Process groups of jobs: what a test that failed has left running is ended. */
const running = new Set<number>();
afterAll(() => running.forEach((group) => process.kill(-group, 'SIGKILL')));

/** Runs the example's job in a process group of its own, as a container would be. */
function startJob(directory: string, runId: string, more: Record<string, string>) {
  const child = spawn('sh', [JOB], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LUSTRE_PATH: directory, LUSTRE_RUN_ID: runId, SECONDS_PER_ROW: '0.01', ...more },
  });
  const group = child.pid!;
  running.add(group);
  child.once('close', () => running.delete(group));
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  return {
    lines,
    child,
    ended: once(child, 'close') as Promise<[number | null, string | null]>,
    kill: (signal: NodeJS.Signals) => process.kill(-group, signal),
  };
}

const contentsOf = (folder: string) => Object.fromEntries(readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
const isBegun = (file: string) => existsSync(file) && statSync(file).size > 0;
async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue(); tries++) {
    if (tries > 5000) throw new Error('it does not come to that');
    await sleep(2);
  }
}

const PIECES = '6';
/** What a job that nobody disturbs has made. */
let whole: Record<string, string>;
beforeAll(async () => {
  expect(await startJob(root, 'whole', { PIECES, SECONDS_PER_ROW: '0' }).ended).toEqual([0, null]);
  whole = contentsOf(join(root, 'whole'));
  expect(Object.keys(whole)).toEqual([1, 2, 3, 4, 5, 6].map((piece) => `piece-${piece}.csv`));
});

describe('the job', () => {
  const madeBy = (lines: string[]) => lines.flatMap((line) => /^piece (\d+) of 6: done$/.exec(line)?.[1] ?? []);

  test('is killed in the middle of a piece, and goes on there', async () => {
    const folder = join(root, 'killed');
    const first = startJob(root, 'killed', { PIECES });
    await until(() => isBegun(join(folder, 'piece-3.csv.part')));
    first.kill('SIGKILL');
    expect((await first.ended)[1]).toBe('SIGKILL');
    expect(readdirSync(folder).sort()).toEqual(['piece-1.csv', 'piece-2.csv', 'piece-3.csv.part']);

    const second = startJob(root, 'killed', { PIECES });
    expect(await second.ended).toEqual([0, null]);
    expect([...madeBy(first.lines), ...madeBy(second.lines)]).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(second.lines.slice(0, 2)).toEqual(['piece 1 of 6: was done before', 'piece 2 of 6: was done before']);
    expect(contentsOf(folder)).toEqual(whole);
  });

  test('ends at once when it is told to, and not as if all were done', async () => {
    const job = startJob(root, 'told', { PIECES, SECONDS_PER_ROW: '60' });
    await until(() => isBegun(join(root, 'told/piece-1.csv.part')));
    job.child.kill('SIGTERM');
    expect(await once(job.child, 'exit')).toEqual([143, null]);
    job.kill('SIGKILL'); // the end of a container's first process is the end of all
    expect(readdirSync(join(root, 'told'))).toEqual(['piece-1.csv.part']);
  });

  test('begins anew in another run', async () => {
    const job = startJob(root, 'another', { PIECES: '1' });
    await job.ended;
    expect(job.lines).toEqual(['piece 1 of 1: done']);
  });
});

describe('a run in the local engine', () => {
  /** The container is the example's own script; SPOT takes its instance in the middle of the third piece. */
  const jobOf = (engine: () => LocalEngine, inputs: string[]): JobScript => async (container: RunningJob) => {
    inputs.push(readFileSync(join(container.directory!, 'input/a.txt'), 'utf8'));
    const { LUSTRE_RUN_ID } = container.environment;
    const job = startJob(container.directory!, LUSTRE_RUN_ID, { PIECES });
    container.onKill(() => job.kill('SIGKILL'));
    if (container.attempt === 1) {
      await container.during(until(() => isBegun(join(container.directory!, LUSTRE_RUN_ID, 'piece-3.csv.part'))));
      engine().models.batch.reclaim(container.instanceId, { notice: false });
    }
    const [code] = await container.during(job.ended);
    if (code !== 0) container.exit(code ?? 137);
  };

  test('imports what is in the bucket, survives a reclaim, exports everything and deletes the file system', async () => {
    const inputs: string[] = [];
    const bucketDirectory = (bucket: string) => join(root, 's3', bucket);
    let lustre: string | undefined;
    const engine: LocalEngine = new LocalEngine({
      template: assembly.directory,
      job: jobOf(() => engine, inputs),
      fsx: { files: () => new DirectoryFiles(lustre = join(root, 'lustre')), scanEveryMs: 20_000 },
      bucketDirectory,
    });
    const { models, template: deployed } = engine;
    models.ecr.push(String(seed[0].ecrRepositoryName), 'latest');
    const { parameters } = JSON.parse(deployed.ofType('Custom::AWS')[0].properties.Create);
    models.secrets.set(parameters.SecretId, parameters.SecretString); // what the deployment writes
    const [bucket] = models.buckets.list();
    bucket.put('input/a.txt', { size: 5, content: '', bytes: 'hello' });

    const run = await engine.execute();
    expect([run.status, run.cause]).toEqual(['SUCCEEDED', undefined]);
    expect(summary(run)).toMatchObject({
      s3Location: `s3://${bucket.name}/`, job: { attempts: 2 }, export: { proven: true }, fileSystem: { deleted: true },
    });
    const events = { Events: ['NEW', 'CHANGED', 'DELETED'] };
    expect(calls(run, 'CreateDataRepositoryAssociation')).toEqual([expect.objectContaining({
      input: expect.objectContaining({ BatchImportMetaDataOnCreate: true, S3: { AutoImportPolicy: events, AutoExportPolicy: events } }),
    })]);
    expect(inputs).toEqual(['hello', 'hello']); // one for each attempt
    expect(contentsOf(join(bucketDirectory(bucket.name), run.output.runId))).toEqual(whole);
    expect(readFileSync(join(bucketDirectory(bucket.name), 'input/a.txt'), 'utf8')).toBe('hello');
    expect(models.fsx.living()).toEqual([]);
    expect(lustre && existsSync(lustre)).toBe(false);
  });
});
