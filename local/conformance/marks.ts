import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { BatchEnvironmentContext, ExportDrainContext, IBatchEnvironment, IExportDrainMonitor, IWorkload, WorkloadContext } from '../../src';
import { Run } from '../engine';

/** Names of the states that a suite puts around what a part renders. */
export const before = (method: string) => `Before ${method} (conformance)`;
export const after = (method: string) => `After ${method} (conformance)`;

/** Puts one state before and one after: there the history shows the document, whatever the part's own states are called. */
function mark<C extends { readonly scope: Construct; readonly statePrefix: string }>(method: string, render: (context: C) => sfn.IChainable) {
  return (context: C) => sfn.Chain.start(new sfn.Pass(context.scope, `${context.statePrefix}${before(method)}`))
    .next(render(context)).next(new sfn.Pass(context.scope, `${context.statePrefix}${after(method)}`));
}

export function markedEnvironment(part: IBatchEnvironment): IBatchEnvironment {
  return {
    preflightChecks: () => part.preflightChecks(),
    reserve: mark('reserve', (context: BatchEnvironmentContext) => part.reserve(context)),
    attach: mark('attach', (context: BatchEnvironmentContext) => part.attach(context)),
    detach: mark('detach', (context: BatchEnvironmentContext) => part.detach(context)),
    grantTo: (grantee) => part.grantTo(grantee),
  };
}

export function markedWorkload(part: IWorkload): IWorkload {
  return {
    preflightChecks: () => part.preflightChecks(),
    run: mark('run', (context: WorkloadContext) => part.run(context)),
    stop: mark('stop', (context: WorkloadContext) => part.stop(context)),
    grantTo: (grantee) => part.grantTo(grantee),
  };
}

export function markedMonitor(part: IExportDrainMonitor): IExportDrainMonitor {
  return {
    drain: mark('drain', (context: ExportDrainContext) => part.drain(context)),
    grantTo: (grantee) => part.grantTo(grantee),
  };
}

/** The document at a state, and when; undefined where the run did not come by. */
export function documentAt(run: Run, state: string): { readonly document: any; readonly at: number } | undefined {
  const entered = run.history.find((event) => event.type === 'StateEntered' && event.state === state);
  return entered && { document: entered.input, at: Date.parse(entered.time) };
}

/** What the clean-up's own steps noted as failed: a part's failure there does not end the run. */
export function cleanUpFailures(run: Run): { readonly [step: string]: { readonly Error?: string; readonly Cause?: string } } {
  const last = run.history.filter((event) => event.type === 'StateEntered').map(({ input }) => input?.failures).filter((each) => each !== undefined);
  return last.at(-1) ?? {};
}
