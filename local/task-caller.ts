import { Api } from './api';
import { TaskDefinition } from './definition';
import { Faults, Origin, spoil } from './faults';
import { Permissions } from './iam';
import { LambdaRuntime } from './lambda-runtime';
import { SdkIntegration } from './sdk-integration';
import { TaskError } from './task-error';
import { World } from './world';

/** Makes the calls of Tasks: of functions, and of any API. */
export class TaskCaller {
  private readonly integration: SdkIntegration;

  constructor(
    private readonly world: World, private readonly api: Api, private readonly lambda: LambdaRuntime, private readonly permissions: Permissions,
    private readonly faults: Faults,
  ) {
    this.integration = new SdkIntegration(api, world);
  }

  public async call(origin: Origin, role: string, { resource }: TaskDefinition, parameters: any, state: string): Promise<unknown> {
    const fault = this.faults.ofTask(state, origin);
    if (fault?.hang) await new Promise(() => undefined);
    const error = fault?.error ?? (fault?.loseAnswer ? { name: 'SdkClientException', message: 'the answer was lost' } : undefined);
    if (error && !fault?.loseAnswer) throw new TaskError(error.name, error.message ?? 'a fault of the rehearsal');
    const answer = SdkIntegration.serves(resource)
      ? await this.integration.call(role, resource, parameters, origin)
      : await this.invoke(origin, role, resource, parameters);
    if (error) throw new TaskError(error.name, error.message ?? 'the answer was lost');
    return spoil(answer, fault);
  }

  private async invoke(origin: Origin, role: string, resource: string, parameters: any): Promise<unknown> {
    const optimized = !resource.includes(':function:');
    const arn = optimized ? parameters.FunctionName : resource;
    const denied = this.permissions.denied(role, [{ action: 'lambda:InvokeFunction', resource: arn }]);
    if (denied.length > 0) {
      const error = { name: 'AccessDeniedException', message: `${role} may not invoke ${arn}` };
      const at = new Date(this.world.clock.now()).toISOString();
      this.api.calls.push({ at, by: role, service: 'lambda', action: 'Invoke', input: { FunctionName: arn }, denied, error });
      throw new TaskError('Lambda.AWSLambdaException', error.message);
    }
    const answer = await this.lambda.invoke(arn, optimized ? parameters.Payload ?? {} : parameters, origin);
    return optimized ? { ExecutedVersion: '1', Payload: answer, StatusCode: 200 } : answer;
  }
}
