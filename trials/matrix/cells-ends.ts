import { readFileSync } from 'fs';
import { join } from 'path';
import { App, Duration, Stack } from 'aws-cdk-lib/core';
import { Cell, Happening, Plan } from './cell';
import { Moment, moments, Passage, perceives } from './survey';
import { way } from './ways';
import { Run } from '../../local/engine';
import { JobImage, LustreAutoExportPipeline } from '../../src';
import { IMPATIENT, Rehearsal } from '../../test/helpers/pipeline-run';

const DAILY = { name: 'daily' };

export function endCells(passages: Passage[]): Cell[] {
  const all = moments(passages);
  const perceived = all.filter(perceives);
  return [
    ...all.map((moment) => stopped('an execution is stopped', moment, 'abort')),
    ...all.map((moment) => stopped('an execution times out', moment, 'timeOut')),
    ...all.filter(({ execution }) => execution === 0).map(redriven),
    ...all.filter(({ execution }) => execution === 0).map(redrivenAtOnce),
    ...perceived.map(deployed),
    ...perceived.map(destroyed),
    ...twoPipelines(perceived),
  ];
}

const at = ({ state, execution }: Moment, act: Happening['do']): Happening => ({ enter: state, execution, do: act });

function cell(name: string, moment: Moment, what: string, plan: () => Plan): Cell {
  return { class: name, name: `${what} ${moment.state}`, way: moment.way, mayKeep: moment.way.mayKeep, plan };
}

/** StopExecution, or the longest life of an execution: nothing can catch it (E18). */
const end = (how: 'abort' | 'timeOut'): Happening['do'] => ({ models }, executionArn) => { models.stepFunctions.execution(executionArn)[how](); };

function stopped(name: string, moment: Moment, how: 'abort' | 'timeOut'): Cell {
  return cell(name, moment, how === 'abort' ? 'stopped at' : 'timed out at', () => ({ happenings: [at(moment, end(how))] }));
}

/** Its resources are gone when it goes on: it must see that, and say so. */
function redriven(moment: Moment): Cell {
  return cell('an execution is redriven', moment, 'stopped, cleaned up, and redriven at', () => {
    const found: string[] = [];
    return {
      found,
      happenings: [at(moment, end('abort'))],
      afterwards: async (rehearsal, runs) => {
        const wasCleaned = rehearsal.models.fsx.deletions().length > 0;
        const again = await redriveEach(rehearsal, runs);
        const vague = again.filter(({ status, error }) => moment.way.name === 'succeeds' && wasCleaned && status === 'FAILED' && error !== 'RunAlreadyCleanedUp');
        found.push(...vague.map(({ error }) => `I4 redriven after its clean-up, it ended as ${error}`));
      },
    };
  });
}

async function redriveEach({ engine, models: { stepFunctions } }: Rehearsal, runs: readonly Run[]): Promise<Run[]> {
  const again: Run[] = [];
  for (const { executionArn } of runs) {
    if (stepFunctions.notRedrivable(stepFunctions.execution(executionArn)) === undefined) again.push(await engine.redrive(executionArn));
  }
  return again;
}

/** Before anybody has cleaned up: both may be at work at once. */
function redrivenAtOnce(moment: Moment): Cell {
  return cell('an execution is redriven', moment, 'stopped, and redriven at once at', () => ({
    happenings: [at(moment, end('abort'))],
    perform: async (rehearsal, input) => {
      const runs = [await (moment.way.perform ?? ((each: Rehearsal, given: object) => each.run(given)))(rehearsal, input)].flat();
      return [...runs, ...await redriveEach(rehearsal, runs)];
    },
  }));
}

let changed: { readonly template: any; readonly assets: string } | undefined;

/** The same stack with other limits, another log level and other functions. */
function changedStack() {
  if (changed) return changed;
  const app = new App();
  const stack = new Stack(app, 'Stack');
  new LustreAutoExportPipeline(stack, 'Pipeline', {
    jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1'), ...IMPATIENT, drainTimeout: Duration.hours(3), jobTimeout: Duration.hours(3),
  });
  const { directory } = app.synth();
  changed = { template: JSON.parse(readFileSync(join(directory, 'Stack.template.json'), 'utf8')), assets: directory };
  return changed;
}

function deployed(moment: Moment): Cell {
  return cell('the stack is updated', moment, 'updated at', () => {
    const found: string[] = [];
    const update = async ({ engine }: Rehearsal) => {
      const { template, assets } = changedStack();
      found.push(...(await engine.deploy(template, assets)).map((each) => `the update failed: ${each}`));
    };
    return { found, happenings: [at(moment, (rehearsal) => { void update(rehearsal); })] };
  });
}

/** The guard must refuse while a file system lives, and name it; else nothing may be taken from under a run. */
function destroyed(moment: Moment): Cell {
  return cell('the stack is deleted', moment, 'deleted at', () => {
    const found: string[] = [];
    const destroy = async ({ engine, models }: Rehearsal) => {
      const living = models.fsx.living().filter(({ lifecycle }) => lifecycle !== 'DELETING').map(({ id }) => id);
      const failures = (await engine.destroy()).join();
      found.push(...living.filter((id) => !failures.includes(id)).map((id) => `the deletion of the stack does not name ${id}: ${failures || 'it succeeded'}`));
    };
    return { found, happenings: [at(moment, (rehearsal) => { void destroy(rehearsal); })] };
  });
}

/** Two pipelines of one stack whose executions have one name (A2.9); one of them is stopped. */
function twoPipelines(perceived: Moment[]): Cell[] {
  const both = (rehearsal: Rehearsal, input: object) =>
    Promise.all(['Pipeline', 'Second'].map((pipeline) => rehearsal.run(input, { ...DAILY, pipeline })));
  const ways = perceived.filter((moment) => moment.way.name === 'succeeds');
  const options = { others: { Second: IMPATIENT } };
  const cells = ways.map((moment) => cell('two pipelines, one execution name', moment, 'both run, one is stopped at', () => ({
    options, perform: both, happenings: [at(moment, end('abort'))],
  })));
  return [...cells, { class: 'two pipelines, one execution name', name: 'both run', way: way('succeeds'), plan: () => ({ options, perform: both }) }];
}
