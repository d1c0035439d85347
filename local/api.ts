import { operation, problems, withTokens } from './api-schema';
import { copy } from './copy';
import { Faults, Origin, spoil } from './faults';
import { Permissions } from './iam';
import { Lookup, RequiredAction, requiredActions } from './required-actions';
import { AwsError, ServiceModel, World } from './world';

/** A call as it reached a service. */
export interface RecordedCall {
  /** ISO 8601, in the world's time. */
  readonly at: string;
  /** ARN of the role that made it. */
  readonly by: string;
  readonly service: string;
  readonly action: string;
  readonly input: Record<string, any>;
  readonly answer?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
  /** What the synthesized policies do not allow (I6). */
  readonly denied?: RequiredAction[];
  /** What the API's model does not have (I7). */
  readonly problems?: string[];
  /** The call had its effect, but the caller saw an error. */
  readonly answerLost?: boolean;
}

/** How a service says that the caller may not. */
const ACCESS_DENIED: Record<string, string> = { ec2: 'UnauthorizedOperation', iam: 'AccessDenied', cloudwatch: 'AccessDenied', s3: 'AccessDenied' };

/** The one door to all services: each call is checked against the API model and the policies, made, and recorded. */
export class Api {
  readonly calls: RecordedCall[] = [];

  constructor(
    private readonly world: World,
    private readonly models: Record<string, ServiceModel>,
    private readonly permissions: Permissions,
    private readonly faults: Faults,
    private readonly lookup: Lookup,
    /** Told of what is wrong with the engine, not with the workflow. */
    private readonly onDefect: (error: Error) => void,
  ) {}

  /** @param by role of the caller @param origin the execution that the call comes from, where a fault asks for it */
  public async call(by: string, service: string, action: string, given: Record<string, any>, origin?: Origin): Promise<any> {
    const call = { at: new Date(this.world.clock.now()).toISOString(), by, service, action, input: copy(given) };
    const record = (outcome: Partial<RecordedCall>) => { this.calls.push({ ...call, ...outcome }); };
    const refuse = (name: string, message: string, why: Partial<RecordedCall> = {}, members?: AwsError['members']): AwsError => {
      record({ error: { name, message }, ...why });
      return new AwsError(name, message, members);
    };
    try {
      const { input: schema, output } = operation(service, action);
      const wrong = problems(schema, call.input);
      if (wrong.length > 0) throw refuse('ValidationException', wrong.join('; '), { problems: wrong });
      call.input = withTokens(schema, call.input, () => this.world.id(32));

      const denied = this.permissions.denied(by, requiredActions(call, this.world, this.lookup));
      if (denied.length > 0) {
        const what = denied.map(({ action: name, resource }) => `${name} on ${resource}`).join(', ');
        throw refuse(ACCESS_DENIED[service] ?? 'AccessDeniedException', `${by} is not authorized to perform: ${what}`, { denied });
      }

      const fault = this.faults.ofCall(`${service}:${action}`, origin);
      if (fault?.error && !fault.loseAnswer) throw refuse(fault.error.name, fault.error.message ?? 'a fault of the rehearsal');

      const answer = copy(await this.answer(service, action, call.input, ({ name, message, members }) => refuse(name, message, {}, members))) ?? {};
      const unknown = problems(output, answer, '', false);
      if (unknown.length > 0) throw new Error(`the model of ${service}:${action} answers what the API does not have: ${unknown.join('; ')}`);
      if (fault?.loseAnswer) {
        const { name, message } = { name: 'TimeoutError', message: 'the answer was lost', ...fault.error };
        record({ answer, error: { name, message }, answerLost: true });
        throw new AwsError(name, message);
      }
      const seen = spoil(answer, fault);
      record({ answer: seen });
      return copy(seen);
    } catch (error) {
      if (!(error instanceof AwsError)) this.onDefect(error as Error);
      throw error;
    }
  }

  /** Asks a model on the engine's own behalf: unchecked, unrecorded. */
  public look(service: string, action: string, input: Record<string, any>): any {
    return this.models[service]?.call(action, input);
  }

  private async answer(service: string, action: string, input: any, refuse: (error: AwsError) => AwsError): Promise<unknown> {
    const model = this.models[service];
    if (!model) throw new Error(`no model of ${service}`);
    try {
      return await model.call(action, copy(input));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw refuse(error);
    }
  }
}

