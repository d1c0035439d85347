import { ExecutionRecord } from './models/step-functions';

/** Step Functions developer guide, "EventBridge payloads": longer input and output are left out. */
const MAX_PAYLOAD = 248 * 1024;

/** The `detail` of "Step Functions Execution Status Change" (Step Functions developer guide, event delivery). */
export function statusChange(record: ExecutionRecord, redrivable: boolean): Record<string, unknown> {
  const { executionArn, stateMachineArn, name, status, startDate, stopDate, input, output = null, error = null, cause = null } = record;
  const keepsOutput = output !== null && output.length <= MAX_PAYLOAD;
  const keepsInput = input.length + (keepsOutput ? output.length : 0) <= MAX_PAYLOAD;
  return {
    executionArn,
    stateMachineArn,
    name,
    status,
    startDate: startDate.getTime(),
    stopDate: stopDate?.getTime() ?? null,
    input: keepsInput ? input : null,
    inputDetails: { included: keepsInput },
    output: keepsOutput ? output : null,
    outputDetails: output === null ? null : { included: keepsOutput },
    error,
    cause,
    stateMachineVersionArn: null,
    stateMachineAliasArn: null,
    redriveCount: record.redriveCount,
    redriveDate: record.redriveDate?.getTime() ?? null,
    redriveStatus: redrivable ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
    redriveStatusReason: null,
  };
}
