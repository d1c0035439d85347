import { spawn } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

/** A file, a directory (mode only) or a symbolic link. Its own folder is written as `ROOT`. */
interface Entry {
  readonly mode?: number;
  readonly text?: string;
  readonly link?: string;
}

/** Everything about a host, as plain data: its folders by path, and in `.host` what its stand-ins remember. */
export type Machine = { readonly [path: string]: Entry };

/** What can happen to a host: its first boot, a boot without user data, a spot notice, a shutdown, a start of the agent by hand. */
export type Happening = 'first' | 'again' | 'notice' | 'shutdown' | 'agent';

const ROOT = '@HOST@';

/** The host's top-level folders; a script's mention of one is led into the scratch folder. */
const FOLDERS = 'etc|mnt|run|var|opt|home|root|srv|tmp|proc|usr/local|usr/lib|dev/console';

const STAND_INS = [
  'chattr', 'chown', 'cp', 'curl', 'dnf', 'docker', 'findmnt', 'halt', 'lctl', 'lfs', 'logger', 'mkdir', 'modprobe', 'mount', 'mountpoint', 'poweroff',
  'shutdown', 'sleep', 'stat', 'sync', 'timeout', 'umount',
];
const REAL = [
  'awk', 'basename', 'bash', 'cat', 'chmod', 'cut', 'date', 'dirname', 'echo', 'env', 'false', 'grep', 'head', 'ln', 'ls', 'mv', 'readlink',
  'rm', 'sed', 'seq', 'sh', 'sort', 'tac', 'tail', 'tee', 'test', 'touch', 'tr', 'true', 'uname', 'uniq', 'wc', 'xargs',
];
/** The stand-ins' own use of commands that the host sees a stand-in of. */
const REAL_FOR_STAND_INS = ['cp', 'find', 'mkdir', 'sleep', 'stat'];

/** An ECS-optimized image, as far as it matters: both services are enabled and wait for cloud-init (D2.3). */
export function image(): Machine {
  const unit = (lines: string) => ({ mode: 0o644, text: `[Unit]\n${lines}\n[Install]\nWantedBy=multi-user.target\n` });
  const enabled = (name: string) => ({ link: `${ROOT}/usr/lib/systemd/system/${name}` });
  return {
    'etc/fstab': { mode: 0o644, text: '' },
    'etc/ecs': { mode: 0o755 },
    'usr/lib/systemd/system/ecs.service': unit('Requires=docker.service\nAfter=docker.service cloud-final.service'),
    'usr/lib/systemd/system/docker.service': unit('After=network-online.target cloud-final.service'),
    'etc/systemd/system/multi-user.target.wants/ecs.service': enabled('ecs.service'),
    'etc/systemd/system/multi-user.target.wants/docker.service': enabled('docker.service'),
    'mnt': { mode: 0o755 },
    'run': { mode: 0o755 },
    'usr/local/sbin': { mode: 0o755 },
    'var/lib/cloud/instance/scripts': { mode: 0o755 },
    'proc/mounts': { mode: 0o644, text: '' },
    'dev/console': { mode: 0o644, text: '' },
    ...Object.fromEntries(['mounts', 'commands', 'unmodelled', 'immutable'].map((name) => [`.host/${name}`, { mode: 0o644, text: '' }])),
    '.host/seconds': { mode: 0o644, text: '0\n' },
    ...Object.fromEntries(['active', 'cancelled', 'tried', 'counts', 'hidden', 'tmpfs', 'lustre'].map((name) => [`.host/${name}`, { mode: 0o755 }])),
  };
}

/** A script whose absolute paths lead into the scratch folder; commands given by path become stand-ins. */
export function redirected(script: string): string {
  const start = '(?<=^|[\\s"\'=<>|&;(`])';
  return script
    .replace(new RegExp(`${start}/(?:usr/)?s?bin/(?=\\w)`, 'gm'), `${ROOT}/.host/bin/`)
    .replace(/(?<!>)>(?=\/dev\/console)/g, '>>') // a device, not a file: what was written to it before stays
    .replace(new RegExp(`${start}/(?=(?:${FOLDERS})(?![\\w.-]))`, 'gm'), `${ROOT}/`);
}

/** Writes the machine into a scratch folder, lets systemd.sh boot it there, and reads it back. */
export async function run(machine: Machine, how: Happening): Promise<Machine> {
  // the real path, because `pwd -P` is compared with it
  const scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'host-')));
  try {
    write(machine, scratch);
    installCommands(scratch, '.host/installed' in machine);
    await new Promise<void>((resolve, reject) => {
      // a process group of its own, so that a script that hangs and loops in the background can be ended with it
      const child = spawn(path.join(scratch, '.host/bin/boot'), [how], {
        detached: true,
        cwd: scratch,
        stdio: process.env.HOST_TRACE ? 'inherit' : 'ignore',
        env: { HOST_SCRATCH: scratch, LC_ALL: 'C' },
      });
      child.on('error', reject);
      child.on('exit', () => {
        try {
          process.kill(-child.pid!, 'SIGKILL');
        } catch { /* nothing is left of it */ }
        resolve();
      });
    });
    return read(scratch);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Only these commands exist on the host: nothing that is not listed can reach the machine that runs the tests. */
function installCommands(scratch: string, lustreClient: boolean): void {
  const bin = path.join(scratch, '.host/bin');
  const real = path.join(scratch, '.host/real');
  fs.mkdirSync(bin);
  fs.mkdirSync(real);
  for (const name of [...REAL, ...REAL_FOR_STAND_INS]) {
    const found = (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
    if (found) {
      fs.symlinkSync(found, path.join(real, name));
      if (REAL.includes(name)) {
        fs.symlinkSync(found, path.join(bin, name));
      }
    }
  }
  for (const name of [...STAND_INS, ...lustreClient ? ['mount.lustre'] : []]) {
    fs.symlinkSync(path.join(__dirname, 'stand-ins.sh'), path.join(bin, name));
  }
  for (const name of ['systemctl', 'boot']) {
    fs.symlinkSync(path.join(__dirname, 'systemd.sh'), path.join(bin, name));
  }
}

function write(machine: Machine, scratch: string): void {
  const here = (text: string) => text.split(ROOT).join(scratch);
  const directories: [string, number][] = [];
  for (const [name, entry] of Object.entries(machine)) {
    const file = path.join(scratch, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    if (entry.link !== undefined) {
      fs.symlinkSync(here(entry.link), file);
    } else if (entry.text !== undefined) {
      fs.writeFileSync(file, here(entry.text));
      fs.chmodSync(file, entry.mode!);
    } else {
      fs.mkdirSync(file, { recursive: true });
      directories.push([file, entry.mode!]);
    }
  }
  directories.forEach(([file, mode]) => fs.chmodSync(file, mode));
}

function read(scratch: string): Machine {
  const away = (text: string) => text.split(scratch).join(ROOT);
  const found: { [path: string]: Entry } = {};
  const visit = (folder: string) => {
    for (const name of fs.readdirSync(path.join(scratch, folder)).sort()) {
      const inside = path.join(folder, name);
      const file = path.join(scratch, inside);
      const stat = fs.lstatSync(file);
      const mode = stat.mode % 0o10000;
      if (inside === '.host/bin' || inside === '.host/real') {
        continue;
      } else if (stat.isSymbolicLink()) {
        found[inside] = { link: away(fs.readlinkSync(file)) };
      } else if (stat.isDirectory()) {
        found[inside] = { mode };
        visit(inside);
      } else {
        found[inside] = { mode, text: away(fs.readFileSync(file, 'utf8')) };
      }
    }
  };
  visit('');
  return found;
}

/** Text of a file as the host's own scripts would name things: without the scratch folder. */
export function textOf(machine: Machine, name: string): string {
  return (machine[name]?.text ?? '').split(`${ROOT}/.host/bin/`).join('/usr/bin/').split(ROOT).join('');
}

/** As `textOf`, line by line. */
export function linesOf(machine: Machine, name: string): string[] {
  return textOf(machine, name).split('\n').filter((line) => line !== '');
}

/** Is there anything at a path of the host, links (which is what mounts are here) followed. */
export function isThere(machine: Machine, hostPath: string): boolean {
  let at = '';
  for (const part of hostPath.split('/').filter((name) => name !== '')) {
    at = at === '' ? part : `${at}/${part}`;
    const link = machine[at]?.link;
    at = link === undefined ? at : link.replace(`${ROOT}/`, '');
  }
  return at in machine || Object.keys(machine).some((name) => name.startsWith(`${at}/`));
}
