import { Happening, image, isThere, linesOf, Machine, redirected, run, textOf } from './machine';
import { shellScripts } from './mime';
import { recall, remember } from '../memory';

/*
 * How a container instance boots, by running its real user data under bash with stand-ins for the commands of the host
 * (stand-ins.sh) and for the parts of systemd that matter (systemd.sh).
 *
 *   const host = await bootHost({ userData, fileSystems: [{ dnsName, mountName, directories: { '/export': 0 } }] });
 *   host.agentStarts          would the ECS agent register: only then does the instance take jobs
 *   host.poweredOff           the script ended the instance; host.console says why
 *   host.seconds              how long the boot took beside what every boot takes
 *   dockerSees(host, path)    where a container that mounts this host path would write
 *   await reboot(host)        the same disk, without user data
 *   await spotNotice(host)    what the host does in the two minutes before a reclaim
 *   await shutDown(host)      what it does at a shutdown, and in which order
 *   await startAgent(host)    somebody starts the agent by hand
 *
 * Real time passes, no timers are used: in virtual time the caller holds the clock (`clock.during(bootHost(...))`).
 * Hosts are plain data. The same request gives the same host from memory; names that differ from run to run and mean
 * nothing to the script (run id, mount name) can be listed in `names`, so that they do not spoil it.
 */

/** A file system that can be reached from the host. */
export interface ReachableFileSystem {
  /** `<file system id>.fsx.<region>.<suffix>` */
  readonly dnsName: string;
  readonly mountName: string;
  /** Directories that exist on it, each with the second after boot from which it can be seen (`0`: from the start). */
  readonly directories: { readonly [path: string]: number };
  /** Seconds after boot from which it can be mounted. @default 0 */
  readonly availableAfter?: number;
  /** An Amazon Linux 2023 client cannot mount 2.10 (C4). @default '2.15' */
  readonly version?: string;
}

/** What the world answers to the script. Numbers may be `Infinity`: always. */
export interface HostAnswers {
  /** How often `dnf install` fails before it works (D2.7). @default 0 */
  readonly installFailures?: number;
  /** How often `mount -t lustre` fails before it works. @default 0 */
  readonly mountFailures?: number;
  /** How often `mount -t lustre` hangs before it works: closed ports (G11). @default 0 */
  readonly mountHangs?: number;
  /** What the kernel says the mounted file system is. @default 'lustre' */
  readonly mountType?: string;
  /** `mount --bind` fails. @default false */
  readonly bindFails?: boolean;
  /** `mount -t tmpfs` fails. @default false */
  readonly tmpfsFails?: boolean;
  /** Something that befalls the host. @default - nothing does */
  readonly strike?: Strike;
  /** The look at the instance metadata that first sees a spot notice. Used by `spotNotice`. @default 3 */
  readonly spotNoticeAtLook?: number;
  /** A container ends so shortly before the spot notice that nothing of the host that sleeps wakes up in between. @default false */
  readonly containerEnds?: boolean;
}

export interface Strike {
  /** Before the n-th command (`systemctl` not counted), or at those that begin with these words. */
  readonly at: number | string;
  /** Of the command, of the script that calls it (once), or of the whole host. */
  readonly does: 'fails' | 'hangs' | 'is killed' | 'loses power';
}

export interface BootRequest {
  /** The user data as the launch template holds it, decoded. */
  readonly userData: string;
  readonly fileSystems: ReachableFileSystem[];
  /** @default - everything works at once */
  readonly answers?: HostAnswers;
  /** Strings that differ from run to run and mean nothing to the script: memory ignores them. File system ids need not be listed. */
  readonly names?: string[];
}

export interface Mount {
  readonly target: string;
  /** What was mounted; of a bind mount the directory on the host. */
  readonly source: string;
  readonly type: string;
  readonly readOnly: boolean;
  readonly bind: boolean;
}

/** A path of the host at which a directory of a Lustre file system is seen; also where the whole file system is. */
export interface HostPath {
  readonly path: string;
  readonly fileSystemId: string;
  /** The directory of the file system, with a leading slash. */
  readonly directory: string;
}

export interface BootedHost {
  /** Would systemd start the ECS agent. */
  readonly agentStarts: boolean;
  /** Units of systemd that have been started, and have not ended. */
  readonly activeUnits: string[];
  readonly poweredOff: boolean;
  readonly mounts: Mount[];
  readonly hostPaths: HostPath[];
  /** Paths in which nothing can be created, not even by Docker. */
  readonly lockedParents: string[];
  /** Lines written to /dev/console, which ec2:GetConsoleOutput shows. */
  readonly console: string[];
  /** Files of /etc and /usr/local by their path; a symbolic link is `-> target`. */
  readonly files: { readonly [path: string]: string };
  /** Commands in the order in which they were run. */
  readonly commands: string[];
  /** Seconds of waiting. */
  readonly seconds: number;
  /** Waits for something that never comes: it neither takes jobs nor ends. */
  readonly hangs: boolean;
  /** Directories on the file systems that were reachable, with their mode in octal, by file system id. */
  readonly directories: { readonly [fileSystemId: string]: { readonly [path: string]: string } };
  /** For `reboot` and `spotNotice`, and what the request said of names. */
  readonly machine: Machine;
  readonly names: string[];
}

/** What a container finds that mounts a path of the host. */
export type DockerSees =
  | { readonly kind: 'lustre'; readonly fileSystemId: string; readonly directory: string }
  /** The path is not there and cannot be made: the container does not start. */
  | { readonly kind: 'refused' }
  /** The path is there, but nothing can be written to it. */
  | { readonly kind: 'read-only' }
  /** The path is on the instance's own disk, made by Docker if need be (D2.4): what is written is lost. */
  | { readonly kind: 'instance-disk' };

type Boot = Omit<BootedHost, 'names'>;

/** Boots that have begun: who asks the same meanwhile waits for them. */
const underWay = new Map<string, Promise<string>>();

/** Boots a new instance with this user data. A text that is not valid MIME holds no script, and the boot goes on without it. */
export function bootHost(request: BootRequest): Promise<BootedHost> {
  return recalled(request, request.names ?? [], ({ userData, fileSystems, answers }) => {
    const scripts = shellScripts(userData).map((script, index) => [
      `var/lib/cloud/instance/scripts/part-${String(index + 1).padStart(3, '0')}`,
      { mode: 0o700, text: redirected(script) },
    ]);
    return boot({ ...image(), ...Object.fromEntries(scripts) }, 'first', fileSystems, answers);
  });
}

/** The host after a reboot: user data does not run again. File systems and answers are those of now. */
export function reboot(host: BootedHost, fileSystems: ReachableFileSystem[], answers?: HostAnswers): Promise<BootedHost> {
  return next('again', host, answers, fileSystems);
}

/** The host two minutes before it is reclaimed, after all that it does about it. `commands` continues that of the boot. */
export function spotNotice(host: BootedHost, answers?: HostAnswers): Promise<BootedHost> {
  return next('notice', host, answers);
}

/** The host at a shutdown, until nothing runs any more. `commands` continues that of the boot; `containers end` and `the network ends` stand in it. */
export function shutDown(host: BootedHost): Promise<BootedHost> {
  return next('shutdown', host);
}

/** The host after somebody has started the agent again by hand. */
export function startAgent(host: BootedHost): Promise<BootedHost> {
  return next('agent', host);
}

function next(how: Happening, host: BootedHost, answers?: HostAnswers, fileSystems?: ReachableFileSystem[]): Promise<BootedHost> {
  const request = { how, machine: host.machine, fileSystems, answers };
  return recalled(request, host.names, (same) => boot(same.machine, how, same.fileSystems, same.answers));
}

/** Where a container would write that mounts a path of the host. */
export function dockerSees(host: BootedHost, hostPath: string): DockerSees {
  const under = (parent: string) => `${hostPath}/`.startsWith(`${parent}/`);
  const mount = [...host.mounts].reverse().find(({ target }) => under(target));
  const shown = host.hostPaths.find(({ path }) => path === mount?.target);
  if (shown) {
    const directory = shown.directory.replace(/\/$/, '') + hostPath.slice(shown.path.length);
    return { kind: 'lustre', fileSystemId: shown.fileSystemId, directory: directory || '/' };
  }
  if (!host.lockedParents.some(under)) {
    return { kind: 'instance-disk' };
  }
  return { kind: isThere(host.machine, hostPath) ? 'read-only' : 'refused' };
}

async function boot(machine: Machine, how: Happening, fileSystems?: ReachableFileSystem[], { strike, ...answers }: HostAnswers = {}): Promise<Boot> {
  const all: Required<Omit<HostAnswers, 'strike'>> = {
    installFailures: 0,
    mountFailures: 0,
    mountHangs: 0,
    mountType: 'lustre',
    bindFails: false,
    tmpfsFails: false,
    spotNoticeAtLook: 3,
    containerEnds: false,
    ...answers,
  };
  const text = (lines: string[]) => ({ mode: 0o644, text: lines.map((line) => `${line}\n`).join('') });
  const seconds = (value: number) => String(Math.min(value, ALWAYS));
  const after = await run({
    ...machine,
    '.host/answers': text([
      ...Object.entries(all).map(([name, value]) => `${name}=${typeof value === 'number' ? seconds(value) : value}`),
      `strikeAt='${strike?.at ?? ''}'`,
      `strikeDoes='${strike?.does ?? ''}'`,
    ]),
    ...fileSystems && {
      '.host/file-systems': text(fileSystems.map(({ dnsName, mountName, version = '2.15', availableAfter = 0 }) =>
        [dnsName, mountName, version, seconds(availableAfter)].join('\t'))),
      '.host/directories': text(fileSystems.flatMap(({ dnsName, directories }) =>
        Object.entries(directories).map(([path, time]) => [idOf(dnsName), path, seconds(time)].join('\t')))),
      ...Object.fromEntries(fileSystems.map(({ dnsName }) => [`.host/lustre/${idOf(dnsName)}`, { mode: 0o755 }])),
    },
  }, how);
  const unmodelled = linesOf(after, '.host/unmodelled');
  if (unmodelled.length > 0) {
    throw new Error(`the host's script does what the stand-ins do not model: ${unmodelled.join('; ')}`);
  }
  return describe(after);
}

function describe(machine: Machine): Boot {
  const table = linesOf(machine, '.host/mounts').map((line) => line.split('\t'));
  const directories: { [fileSystemId: string]: { [path: string]: string } } = {};
  for (const [name, entry] of Object.entries(machine)) {
    const [, id, path] = /^\.host\/lustre\/([^/]+)(\/.+)?$/.exec(name) ?? [];
    if (id) {
      directories[id] = { ...directories[id], ...path && entry.mode !== undefined && { [path]: entry.mode.toString(8) } };
    }
  }
  const activeUnits = Object.keys(machine).flatMap((name) => /^\.host\/active\/(.+)$/.exec(name)?.slice(1) ?? []);
  return {
    agentStarts: activeUnits.includes('ecs.service'),
    activeUnits,
    poweredOff: '.host/powered-off' in machine,
    hangs: '.host/hangs' in machine,
    mounts: table.map(([target, source, type, mode, kind]) => ({ target, source, type, readOnly: mode === 'ro', bind: kind === 'bind' })),
    hostPaths: table.filter(([,, type,,,, id]) => type === 'lustre' && id)
      .map(([path,,,,, directory, fileSystemId]) => ({ path, fileSystemId, directory })),
    lockedParents: [...table.filter(([,,, mode]) => mode === 'ro').map(([target]) => target), ...linesOf(machine, '.host/immutable')],
    console: linesOf(machine, 'dev/console'),
    files: Object.fromEntries(Object.entries(machine)
      .filter(([name, { mode, text }]) => /^(etc|usr\/local)\//.test(name) && (text !== undefined || mode === undefined))
      .map(([name, { link }]) => [`/${name}`, link === undefined ? textOf(machine, name) : `-> ${link.replace(/^@HOST@/, '')}`])),
    commands: linesOf(machine, '.host/commands'),
    seconds: Number(textOf(machine, '.host/seconds')),
    directories,
    machine,
  };
}

/** The number that the stand-ins take for `Infinity`. */
const ALWAYS = 1e9;

function idOf(dnsName: string): string {
  return dnsName.split('.')[0];
}

/** What happened when the same was asked before; file system ids and the given names do not count. */
async function recalled<T>(request: T, names: string[], work: (request: T) => Promise<Boot>): Promise<BootedHost> {
  const asText = JSON.stringify(request, (_, value) => value === Infinity ? ALWAYS : value);
  const real = [...new Set([...asText.match(/\bfs-[0-9a-f]{8,}\b/g) ?? [], ...names])]
    .sort((a, b) => b.length - a.length || asText.indexOf(a) - asText.indexOf(b));
  const numbered = real.map((name, index) => name.startsWith('fs-') ? `fs-${String(index).padStart(17, '0')}` : `n${String(index).padStart(7, '0')}`);
  const swap = (text: string, from: string[], to: string[]) => from.reduce((all, name, index) => all.split(name).join(to[index]), text);
  const question = swap(asText, real, numbered);
  if (!underWay.has(question)) underWay.set(question, answered(question, work));
  try {
    return { ...JSON.parse(swap(await underWay.get(question)!, numbered, real)), names };
  } finally {
    underWay.delete(question);
  }
}

async function answered<T>(question: string, work: (request: T) => Promise<Boot>): Promise<string> {
  const known = recall(question);
  if (known !== undefined) return known;
  const answer = JSON.stringify(await work(JSON.parse(question)));
  remember(question, answer);
  return answer;
}
