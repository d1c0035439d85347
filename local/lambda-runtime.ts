import { AsyncLocalStorage } from 'async_hooks';
import { existsSync, readFileSync } from 'fs';
import { createRequire } from 'module';
import * as path from 'path';
import { Readable } from 'stream';
import { Api } from './api';
import { operation, sdkClient, streams } from './api-schema';
import { copy } from './copy';
import { Origin } from './faults';
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

/** A version of a function as it was when it was published, or a function as it is now. */
interface Deployed {
  readonly resource: ResolvedResource;
  /** Folder of its bundle. */
  readonly assets: string;
}

/**
 * Runs the very bundles that ship, each in a warm environment of its own: module state stays between invocations.
 * Whatever a handler sends with an SDK client goes to the world's models, under the function's role.
 */
export class LambdaRuntime {
  readonly log: LogLine[] = [];
  /** What handlers put to these URLs is told; no other can be reached. */
  readonly uploads = new Map<string, (body: string) => void>();
  private readonly warm = new Map<string, Handler>();
  /** By ARN. */
  private readonly deployed = new Map<string, Deployed>();
  /** Knows which execution a call comes from; costs time, and so is only there when asked for. */
  private readonly origins?: AsyncLocalStorage<Origin | undefined>;
  private readonly load = createRequire(__filename);

  /** @param assets folder of the cloud assembly, or of each asset by its hash */
  constructor(
    private readonly api: Api, private readonly world: World, private readonly template: Template, assets: string, needOrigin = false,
  ) {
    if (needOrigin) this.origins = new AsyncLocalStorage();
    this.deploy(assets);
  }

  /** The template has changed: functions are its own from now on, versions that it retained stay as they were published. */
  public deploy(assets: string, before: readonly ResolvedResource[] = []): void {
    const functions = this.template.ofType('AWS::Lambda::Function');
    const versions = this.template.ofType('AWS::Lambda::Version');
    const still = ({ type, physicalId }: ResolvedResource) => this.template.ofType(type).some((each) => each.physicalId === physicalId);
    this.undeploy(before.filter((each) => !each.retained && !still(each)));
    for (const { arn } of functions) this.forget(arn!);
    for (const resource of functions) this.deployed.set(resource.arn!, { resource, assets });
    for (const { physicalId } of versions) {
      const resource = functions.find((each) => physicalId.startsWith(`${each.arn}:`));
      if (resource && !this.deployed.has(physicalId)) this.deployed.set(physicalId, { resource, assets });
    }
  }

  /** @param arn of the function or of one of its versions */
  public async invoke(arn: string, payload: unknown, origin?: Origin): Promise<unknown> {
    const found = this.deployed.get(arn);
    if (!found) throw new TaskError('Lambda.ResourceNotFoundException', `Function not found: ${arn}`);
    const { resource } = found;
    const handler = this.warm.get(arn) ?? this.start(arn, found);
    const seconds: number = resource.properties.Timeout ?? 3;
    const context = {
      functionName: resource.physicalId,
      invokedFunctionArn: arn,
      awsRequestId: this.world.id(32),
      getRemainingTimeInMillis: () => seconds * 1000,
    };
    try {
      const run = () => handler(JSON.parse(JSON.stringify(payload)), context);
      const answer = await Promise.race([this.origins ? this.origins.run(origin, run) : run(), this.timeout(seconds)]);
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
      const found = this.deployed.get(version.physicalId);
      if (!found) throw new Error(`the template has no function of ${version.physicalId}`);
      if (!this.warm.has(version.physicalId) && this.codeOf(found) !== undefined) this.start(version.physicalId, found);
    }
  }

  /** Functions and versions that are deleted. */
  public undeploy(resources: readonly ResolvedResource[]): void {
    for (const { type, arn } of resources) if (type === 'AWS::Lambda::Version') this.forget(arn!);
    for (const { type, arn: gone } of resources) {
      if (type !== 'AWS::Lambda::Function') continue;
      for (const arn of [...this.deployed.keys()]) if (arn === gone || arn.startsWith(`${gone}:`)) this.forget(arn);
    }
  }

  private forget(arn: string): void {
    this.deployed.delete(arn);
    this.warm.delete(arn);
  }

  private codeOf({ resource: { properties: { Code: code } }, assets }: Deployed): string | undefined {
    if (code.ZipFile !== undefined) return code.ZipFile;
    const file = path.join(assets, `asset.${path.basename(String(code.S3Key), '.zip')}`, 'index.js');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  private start(arn: string, found: Deployed): Handler {
    const code = this.codeOf(found);
    const { resource, assets } = found;
    if (code === undefined) throw new Error(`the code of ${resource.logicalId} is not in ${assets}`);
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
    const module_ = new Function('exports', 'require', 'module', 'process', 'console', 'fetch', `${code}\n//# sourceURL=${resource.logicalId}/index.js`);
    const fetch = (url: string, request: any) => this.fetch(url, request);
    module_(exported.exports, (name: string) => this.require(name, resource), exported, process_, this.console(resource), fetch);
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
    const { api, world, origins } = this;
    return class extends Client {
      constructor(config: object = {}) {
        super({ region: world.region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' }, ...config });
      }

      public async send(command: any): Promise<unknown> {
        try {
          const answer = await api.call(role, service, command.schema[2], command.input, origins?.getStore());
          const bodies = streams(operation(service, command.schema[2])).map((name) => [name, answer[name] && streamOf(answer[name])]);
          return { ...answer, ...Object.fromEntries(bodies), $metadata: metadata(world, 200) };
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

  private async fetch(url: string, { method, body }: { method?: string; body?: string | Uint8Array } = {}): Promise<{ ok: boolean; status: number }> {
    const upload = this.uploads.get(url);
    if (!upload || method !== 'PUT') throw new TypeError('fetch failed');
    upload(Buffer.from(body as string).toString());
    return { ok: true, status: 200 };
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

/** A body as the SDK hands it over: it can be read once. */
function streamOf(body: string | Uint8Array): Readable {
  const bytes = Buffer.from(body as Uint8Array);
  const stream = Readable.from([bytes]);
  const once = <T>(read: () => T) => async (): Promise<T> => {
    if (stream.readableDidRead || stream.destroyed) throw new Error('The stream has already been transformed.');
    stream.destroy();
    return read();
  };
  return Object.assign(stream, {
    transformToByteArray: once(() => new Uint8Array(bytes)),
    transformToString: async (encoding: BufferEncoding = 'utf8') => once(() => bytes.toString(encoding))(),
  });
}

/** The error as the SDK throws it: of the class that it has for it, if any. */
function sdkException(real: any, error: AwsError, world: World): Error {
  const Modelled = real[error.name];
  const options = { ...error.members, message: error.message, $metadata: metadata(world, 400) };
  if (typeof Modelled === 'function' && Modelled.prototype instanceof Error) return new Modelled(options);
  const [, General] = Object.entries<any>(real).find(([name]) => name.endsWith('ServiceException') && name !== '__ServiceException')!;
  return new General({ ...options, name: error.name, $fault: 'client' });
}
