import { existsSync, readFileSync } from 'fs';
import { createRequire } from 'module';
import * as path from 'path';
import { Api } from './api';
import { sdkClient } from './api-schema';
import { copy } from './copy';
import { TaskError } from './task-error';
import { Template } from './template';
import { AwsError, ResolvedResource, World } from './world';

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

const SDK = /^@aws-sdk\/client-([\w-]+)$/;

/** One line that a handler logged. */
export interface LogLine {
  readonly function: string;
  readonly at: string;
  readonly line: string;
}

/**
 * Runs the very bundles that ship, each in a warm environment of its own: module state stays between invocations.
 * Whatever a handler sends with an SDK client goes to the world's models, under the function's role.
 */
export class LambdaRuntime {
  readonly log: LogLine[] = [];
  private readonly warm = new Map<string, Handler>();
  private readonly load = createRequire(__filename);

  /** @param assets folder of the cloud assembly, or of each asset by its hash */
  constructor(private readonly api: Api, private readonly world: World, private readonly template: Template, private readonly assets: string) {}

  /** @param arn of the function or of one of its versions */
  public async invoke(arn: string, payload: unknown): Promise<unknown> {
    const resource = this.functionOf(arn);
    const handler = this.warm.get(arn) ?? this.start(arn, resource);
    const seconds: number = resource.properties.Timeout ?? 3;
    const context = {
      functionName: resource.physicalId,
      invokedFunctionArn: arn,
      awsRequestId: this.world.id(32),
      getRemainingTimeInMillis: () => seconds * 1000,
    };
    try {
      const answer = await Promise.race([handler(JSON.parse(JSON.stringify(payload)), context), this.timeout(seconds)]);
      return answer === undefined ? null : JSON.parse(JSON.stringify(answer));
    } catch (error: any) {
      // what Lambda makes of an error that a handler throws; Step Functions takes the type for Error, the whole for Cause
      const errorType = error?.name ?? 'Error';
      const errorMessage = error?.message ?? String(error);
      throw new TaskError(errorType, JSON.stringify({ errorType, errorMessage, trace: [`${errorType}: ${errorMessage}`] }));
    }
  }

  /** Loads every bundle now, so that no invocation takes longer than another. */
  public warmUp(): void {
    for (const version of this.template.ofType('AWS::Lambda::Version')) {
      const resource = this.functionOf(version.physicalId);
      if (this.codeOf(resource) !== undefined) this.warm.set(version.physicalId, this.start(version.physicalId, resource));
    }
  }

  private functionOf(arn: string): ResolvedResource {
    const found = this.template.ofType('AWS::Lambda::Function').find((each) => arn === each.arn || arn.startsWith(`${each.arn}:`));
    if (!found) throw new Error(`the template has no function ${arn}`);
    return found;
  }

  private codeOf({ properties: { Code: code } }: ResolvedResource): string | undefined {
    if (code.ZipFile !== undefined) return code.ZipFile;
    const file = path.join(this.assets, `asset.${path.basename(String(code.S3Key), '.zip')}`, 'index.js');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  private start(arn: string, resource: ResolvedResource): Handler {
    const code = this.codeOf(resource);
    if (code === undefined) throw new Error(`the code of ${resource.logicalId} is not in ${this.assets}`);
    const exported = { exports: {} as Record<string, Handler> };
    const environment = {
      ...resource.properties.Environment?.Variables,
      AWS_REGION: this.world.region,
      AWS_LAMBDA_FUNCTION_NAME: resource.physicalId,
      AWS_LAMBDA_FUNCTION_VERSION: arn.split(':').pop(),
    };
    // a process of its own, as far as a handler can tell
    const process_ = Object.create(process, { env: { value: environment } });
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const module_ = new Function('exports', 'require', 'module', 'process', 'console', `${code}\n//# sourceURL=${resource.logicalId}/index.js`);
    module_(exported.exports, (name: string) => this.require(name, resource), exported, process_, this.console(resource));
    const handler = exported.exports[String(resource.properties.Handler).split('.').pop()!];
    if (typeof handler !== 'function') throw new Error(`${resource.logicalId} exports no ${resource.properties.Handler}`);
    this.warm.set(arn, handler);
    return handler;
  }

  private require(name: string, { properties }: ResolvedResource): unknown {
    const [, service] = SDK.exec(name) ?? [];
    return service === undefined ? this.load(name) : this.sdk(service, properties.Role);
  }

  /** The real client module, but its clients send to the models. Paginators and waiters stay the real ones. */
  private sdk(service: string, role: string): unknown {
    const real = sdkClient(service);
    const clients = new Map<unknown, unknown>();
    return new Proxy(real, {
      get: (_, name) => {
        const found = real[name];
        if (typeof found !== 'function' || !(found.prototype instanceof real.__Client)) return found;
        if (!clients.has(found)) clients.set(found, this.local(found, real, service, role));
        return clients.get(found);
      },
    });
  }

  private local(Client: any, real: any, service: string, role: string): unknown {
    const { api, world } = this;
    return class extends Client {
      constructor(config: object = {}) {
        super({ region: world.region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' }, ...config });
      }

      public async send(command: any): Promise<unknown> {
        try {
          const answer = await api.call(role, service, command.schema[2], command.input);
          return { ...answer, $metadata: metadata(world, 200) };
        } catch (error) {
          throw error instanceof AwsError ? sdkException(real, error, world) : error;
        }
      }
    };
  }

  private console(resource: ResolvedResource): Partial<Console> {
    const write = (...words: unknown[]) => {
      const line = words.map((word) => typeof word === 'string' ? word : JSON.stringify(copy(word))).join(' ');
      this.log.push({ function: resource.physicalId, at: new Date(this.world.clock.now()).toISOString(), line });
    };
    return { log: write, info: write, warn: write, error: write, debug: write };
  }

  private timeout(seconds: number): Promise<never> {
    return new Promise((_, reject) => {
      this.world.clock.after(seconds * 1000, () => {
        reject(Object.assign(new Error(`Task timed out after ${seconds.toFixed(2)} seconds`), { name: 'Sandbox.Timedout' }));
      });
    });
  }
}

function metadata(world: World, httpStatusCode: number): object {
  return { httpStatusCode, requestId: world.id(32), attempts: 1, totalRetryDelay: 0 };
}

/** The error as the SDK throws it: of the class that it has for it, if any. */
function sdkException(real: any, error: AwsError, world: World): Error {
  const Modelled = real[error.name];
  const options = { message: error.message, $metadata: metadata(world, 400) };
  if (typeof Modelled === 'function' && Modelled.prototype instanceof Error) return new Modelled(options);
  const [, General] = Object.entries<any>(real).find(([name]) => name.endsWith('ServiceException') && name !== '__ServiceException')!;
  return new General({ ...options, name: error.name, $fault: 'client' });
}
