import { Duration } from 'aws-cdk-lib/core';
import { Way } from './cell';
import { freeze } from './freeze';
import { IMPATIENT, Rehearsal, RehearsalOptions, work } from '../../test/helpers/pipeline-run';

const MINUTE = 60_000;

const small = work({ files: 3, seconds: 60 });
const long = work({ files: 24, seconds: 12_000 });

/** Leaves something behind, and fails. */
const failing: RehearsalOptions['job'] = async (job) => {
  await small(job);
  job.exit(3);
};

/** One name is longer than a key may be (A5.6). */
const unexportable: RehearsalOptions['job'] = async (job) => {
  await small(job);
  job.save(Array.from({ length: 6 }, (_, i) => `${i}`.repeat(200)).join('/'), 10);
};

const of = (options: RehearsalOptions) => () => ({ props: IMPATIENT, job: small, ...options });

/** The executions of two runs that begin at once. */
const twice: Way['perform'] = (rehearsal, input) => Promise.all([rehearsal.run(input, { name: 'first' }), rehearsal.run(input, { name: 'second' })]);

/** What somebody waits for in vain until the execution has ended. */
const inVain = (name: string, prepare: Way['prepare'], options: RehearsalOptions = {}): Way => ({ name, options: of(options), prepare });

/** Worlds that between them pass every Task. The first way that passes a Task, or makes a call in it, is the one in which it goes wrong. */
export const WAYS: readonly Way[] = [
  { name: 'succeeds', options: of({}) },
  { name: 'job fails', options: of({ job: failing }) },
  { name: 'metric only', options: of({}), input: { exportVerification: 'METRIC_ONLY' } },
  { name: 'export task only', options: of({}), input: { exportVerification: 'EXPORT_TASK_ONLY' } },
  { name: 'no automatic export', options: of({}), input: { autoExport: false } },
  { name: 'kept by choice', options: of({}), input: { deleteLustre: false }, mayKeep: 'a keep policy' },
  { name: 'kept by policy', options: of({ job: failing }), input: { failurePolicy: 'KEEP' }, mayKeep: 'a keep policy' },
  { name: 'kept for an hour', options: of({ job: failing }), input: { failurePolicy: 'KEEP_FOR', keepHours: 1 } },
  { name: 'unexportable file', options: of({ job: unexportable }), mayKeep: 'an unexportable file' },
  {
    name: 'automatic export stays off',
    options: of({ job: unexportable, faults: [{ on: 'fsx:UpdateDataRepositoryAssociation', nth: [2, Infinity], error: { name: 'BadRequest' } }] }),
    mayKeep: 'an unexportable file',
  },
  { name: 'stopped', options: of({ faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }] }) },
  { name: 'reclaimed', options: of({ interruptions: 1, job: work({ files: 12, seconds: 600 }) }) },
  { name: 'reclaimed for ever', options: of({ interruptions: 100, job: long }), input: { jobDefinitionRetryAttempts: 2 } },
  { name: 'image built', options: of({ props: { ...IMPATIENT, jobDefinitionContainerImage: undefined } }), prepare: pushImage },
  { name: 'fixed prefix', options: of({ props: { ...IMPATIENT, prefix: 'data', prefixPerRun: false } }) },
  { name: 'two runs', options: of({ job: work({ files: 3, seconds: 1200 }) }), perform: twice },
  { name: 'never free', options: of({ job: long, props: { ...IMPATIENT, reserveTimeout: Duration.minutes(30) } }), perform: twice },
  { name: 'hosts do not mount', options: of({ host: { mountFailures: Infinity }, props: { ...IMPATIENT, jobTimeout: Duration.hours(6) } }) },
  { name: 'association breaks', options: of({ job: failing, faults: [{ at: 16 * 60, do: 'associationFailed' }] }), mayKeep: 'a fault that never lifts' },
  inVain('file system is late', ({ models }) => { models.fsx.durations.create = 300 * MINUTE; }),
  inVain('deletion does not end', ({ models }) => { models.fsx.durations.delete = 600 * MINUTE; }),
  { name: 'job does not end', options: of({ job: long }) },
  inVain('jobs do not stop', ({ models }) => ignore(models.batch, 'TerminateJob'), { job: long }),
  inVain('environment updates for ever', ({ models }) => freezeOnUpdate(models.batch, 1)),
  inVain('environment returns for ever', ({ models }) => freezeOnUpdate(models.batch, 2)),
  inVain('instances stay', ({ models }) => keepInstances(models)),
];

export function way(name: string): Way {
  const found = WAYS.find((each) => each.name === name);
  if (!found) throw new Error(`no way is named ${name}`);
  return found;
}

function pushImage({ models, engine }: Rehearsal): void {
  for (const { physicalId } of engine.template.ofType('AWS::ECR::Repository')) models.ecr.push(physicalId, 'latest');
}

/** The service answers, and does nothing. */
function ignore(model: { call(action: string, input: any): unknown }, action: string): () => void {
  const call = model.call.bind(model);
  model.call = (name, input) => name === action ? {} : call(name, input);
  return () => { model.call = call; };
}

/** From its n-th update on the environment stays UPDATING. */
function freezeOnUpdate(batch: Rehearsal['models']['batch'], nth: number): () => void {
  const call = batch.call.bind(batch);
  const thaw: (() => void)[] = [];
  let updates = 0;
  batch.call = (name, input) => {
    const answer = call(name, input);
    if (name === 'UpdateComputeEnvironment' && ++updates === nth) thaw.push(freeze(batch.environment(input.computeEnvironment), 'status', 'UPDATING'));
    return answer;
  };
  return () => {
    batch.call = call;
    thaw.forEach((undo) => undo());
  };
}

/** No instance is taken away. */
function keepInstances({ ec2 }: Rehearsal['models']): () => void {
  const launch = ec2.launch.bind(ec2);
  const kept: ReturnType<typeof launch>[] = [];
  ec2.launch = (spec) => {
    const instance = launch(spec);
    kept.push(instance);
    return Object.assign(instance, { terminate: () => undefined });
  };
  return () => {
    ec2.launch = launch;
    for (const instance of kept) {
      delete (instance as Partial<typeof instance>).terminate;
      instance.terminate();
    }
  };
}
