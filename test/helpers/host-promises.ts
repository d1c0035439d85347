import { BootedHost, bootHost, BootRequest, dockerSees, HostAnswers, reboot, shutDown, spotNotice, startAgent } from '../../local/host/boot';

/** A host's user data, and the file system on which it is to open its directory. */
export interface HostSite {
  readonly userData: string;
  readonly fileSystem: BootRequest['fileSystems'][0];
  readonly directory: string;
  readonly hostPath: string;
}

/** What every host keeps, whatever befalls it. */
export interface HostPromise {
  readonly name: string;
  /** Broken promises in words; empty where all is well. */
  readonly look: (site: HostSite) => Promise<string[]>;
}

type Take = <T>(all: T[]) => T[];

const MOUNT = 'lustre-run.service';
const GUARD = 'lustre-guard.service';

const UNABLE: { readonly [why: string]: readonly [HostAnswers, RegExp] } = {
  'systemd cannot be configured': [{ strike: { at: 'mkdir -p ecs.service.d', does: 'fails' } }, /systemd could not be configured/],
  'the script cannot be kept': [{ strike: { at: 'cp ', does: 'fails' } }, /the script could not be kept/],
  'the parent cannot be locked': [{ tmpfsFails: true }, /\/mnt\/lustre-runs could not be locked/],
  'the client cannot be installed': [{ installFailures: Infinity }, /the Lustre client could not be installed: dnf: Error: .*metadata/],
  'the mount always fails': [{ mountFailures: Infinity }, /fs-\w+ could not be mounted: .*Input\/output error/],
  'the mount always hangs': [{ mountHangs: Infinity }, /fs-\w+ could not be mounted: no answer/],
  'what is mounted is not Lustre': [{ mountType: 'nfs' }, /does not show \/\w+ of fs-/],
  'the directory cannot be opened': [{ strike: { at: 'chown', does: 'fails' } }, /could not be opened to all users/],
  'the directory cannot be bound': [{ bindFails: true }, /does not show \/\w+ of fs-/],
  'the parent cannot be locked again': [{ strike: { at: 'mount -o remount,ro', does: 'fails' } }, /\/mnt\/lustre-runs could not be locked again/],
};

/**
 * The promises of a run's hosts, kept by hosts that boot their real user data under bash.
 * @param some which of many like cases are tried
 */
export function hostPromises(some: Take = (all) => all): HostPromise[] {
  return [
    promise('shows the exported directory and nothing else', async (site) => opened(await boot(site), site)),
    promise('shows it again after a reboot', async (site) => opened(await reboot(await boot(site), [site.fileSystem]), site)),
    ...some(Object.entries(UNABLE)).map(([why, [answers, reason]]) => promise(`closes when ${why}`, async (site) => closed(await boot(site, answers), site, reason))),
    promise('closes on another file system', async (site) =>
      closed(await boot(site, {}, [{ ...site.fileSystem, mountName: 'other' }]), site, /could not be mounted: .*No such file/)),
    promise('closes on a Lustre version that its client does not speak (C4)', async (site) =>
      closed(await boot(site, {}, [{ ...site.fileSystem, version: '2.10' }]), site, /could not be mounted: .*Invalid argument/)),
    promise('closes when its file system is gone after a reboot', async (site) => closed(await reboot(await boot(site), []), site, /could not be mounted/)),
    promise('ends when its mount hangs where nobody foresaw it', async (site) => ended(await boot(site, { strike: { at: 'chown', does: 'hangs' } }), site)),
    promise('ends when its mount cannot even be started', async (site) =>
      ended(await boot(site, { strike: { at: 'systemctl start lustre-run', does: 'fails' } }), site)),
    promise('ends when its mount is killed', async (site) => ended(await boot(site, { strike: { at: 'findmnt', does: 'is killed' } }), site)),
    promise('ends when its mount is killed after a reboot', async (site) =>
      ended(await reboot(await boot(site), [site.fileSystem], { strike: { at: 'findmnt', does: 'is killed' } }), site)),
    promise('waits for what comes late', async (site) => [
      ...opened(await boot(site, { installFailures: 2 }), site),
      ...opened(await boot(site, { mountFailures: 3, mountHangs: 2 }), site),
      ...opened(await boot(site, {}, [{ ...site.fileSystem, availableAfter: 500 }]), site),
    ]),
    promise('waits for the exported directory, and does not make it while it may still come', async (site) => {
      const late = await boot(site, {}, [{ ...site.fileSystem, directories: { [site.directory]: 60 } }]);
      const made = late.commands.filter((command) => /^mkdir .*\/root\//.test(command));
      return [...opened(late, site), ...made, ...late.seconds < 60 ? ['it did not wait for the directory'] : []];
    }),
    promise('makes the exported directory when it never comes', async (site) => {
      const never = await boot(site, {}, [{ ...site.fileSystem, directories: {} }]);
      return [...opened(never, site), ...never.seconds < 180 ? [] : [`it took ${never.seconds} s`]];
    }),
    promise('leaves an open directory as it is: a change of its metadata would be exported (A5.1)', async (site) =>
      (await reboot(await boot(site), [site.fileSystem])).commands.filter((command) => /^chown/.test(command))),
    promise('syncs every few seconds, and at once when a container ends', syncs),
    promise('on a spot notice stops the agent before the containers, then writes all, then unmounts', onSpotNotice),
    promise('acts on a spot notice after its guard was killed', async (site) =>
      handedBack(await spotNotice(await boot(site), { strike: { at: 'curl', does: 'is killed' } }))),
    promise('has no agent behind a spot notice, whoever starts it, until a reboot', async (site) => {
      const after = await spotNotice(await boot(site));
      return [...await agentStarts(startAgent(after)), ...opened(await reboot(after, [site.fileSystem]), site)];
    }),
    promise('acts once on a spot notice, whatever is unmounted by then', async (site) => {
      const { console: said } = await spotNotice(await spotNotice(await boot(site)));
      return said.length === 3 ? [] : [`the console says ${JSON.stringify(said)}`];
    }),
    promise('shows it again when the power was lost just before it was ready', async (site) =>
      opened(await reboot(await boot(site, { strike: { at: 'findmnt', does: 'loses power' } }), [site.fileSystem]), site)),
    promise('at a shutdown unmounts after the containers, and before the network', onShutdown),
    promise('needs the mount wherever the power is lost', (site) => struck(site, some, 'loses power')),
    promise('needs the mount wherever the script is killed', (site) => struck(site, some, 'is killed')),
  ];
}

/** The promises of the hosts that belong to no run, by their user data. */
export function idleHostPromises(): { readonly name: string; readonly look: (userData: string) => Promise<string[]> }[] {
  const boots = async (userData: string) => {
    const first = await bootHost({ userData, fileSystems: [] });
    return [first, await reboot(first, [])];
  };
  const everyBoot = (name: string, look: (host: BootedHost) => string[]) => ({ name, look: async (userData: string) => (await boots(userData)).flatMap(look) });
  return [
    everyBoot('never starts the agent', ({ agentStarts: starts }) => starts ? ['the agent starts'] : []),
    everyBoot('does not end: one that ended itself would be replaced for ever', ({ poweredOff, hangs }) => poweredOff || hangs ? ['it ends'] : []),
    everyBoot('has no place for a container', (host) => refuses(host, '/mnt/lustre-runs/any')),
    { name: 'says so', look: async (userData) => saysOnce((await boots(userData))[0], /no run is attached/) },
    // the first command brings the mask to the disk
    ...(['is killed', 'loses power'] as const).map((does) => ({
      name: `has no agent when it ${does} at any command but the first`,
      look: async (userData: string) => {
        const { commands } = await bootHost({ userData, fileSystems: [] });
        const cuts = commands.filter((command) => !command.startsWith('systemctl')).map((_, i) => i + 1).slice(1);
        const struckAt = async (at: number) => bootHost({ userData, fileSystems: [], answers: { strike: { at, does } } });
        const hosts = await Promise.all(cuts.map(async (at) => does === 'is killed' ? struckAt(at) : reboot(await struckAt(at), [])));
        return hosts.flatMap(({ agentStarts: starts }, i) => starts ? [`it ${does} at command ${cuts[i]}: the agent starts`] : []);
      },
    })),
  ];
}

const promise = (name: string, look: HostPromise['look']): HostPromise => ({ name, look });

const boot = ({ userData, fileSystem }: HostSite, answers: HostAnswers = {}, fileSystems = [fileSystem]) => bootHost({ userData, fileSystems, answers });

function opened(host: BootedHost, { hostPath, directory, fileSystem }: HostSite): string[] {
  const seen = JSON.stringify(dockerSees(host, hostPath));
  const wanted = JSON.stringify({ kind: 'lustre', fileSystemId: fileSystem.dnsName.split('.')[0], directory });
  const mode = Object.values(host.directories)[0]?.[directory];
  const rootMode = host.machine['run/lustre-run']?.mode;
  return [
    ...host.agentStarts && !host.poweredOff && !host.hangs ? [] : [`no agent: ${host.console.join(' ')}`],
    ...host.activeUnits.includes(GUARD) ? [] : ['nothing waits for a spot notice'],
    ...seen === wanted ? [] : [`a container sees ${seen}`],
    ...refuses(host, `${hostPath.replace(/[^/]+$/, '')}fs-aaaaaaaaaaaaaaaaa`),
    ...mode === '1777' ? [] : [`the directory is ${mode}`],
    ...rootMode === 0o700 ? [] : [`others of the host reach the whole file system: ${rootMode?.toString(8)}`],
    ...saysOnce(host, / shows \//),
    ...host.files['/etc/ecs/ecs.config']?.endsWith('ECS_ENABLE_SPOT_INSTANCE_DRAINING=false\n') ? [] : ['ECS drains on a spot notice'],
    ...host.commands.filter((command) => /^mount -t lustre/.test(command) && !/ -o relatime,flock /.test(command)), // C5
    ...host.commands.filter((command) => /systemctl.*start.*(ecs|docker)/.test(command)), // D2.3
  ];
}

/** No agent, not now and not after a reboot; nothing that could be written to; a reason; and its end. */
async function closed(host: BootedHost, site: HostSite, reason: RegExp): Promise<string[]> {
  return [...await ended(host, site), ...saysOnce(host, reason), ...host.seconds < 3600 ? [] : [`it took ${host.seconds} s`]];
}

async function ended(host: BootedHost, { hostPath }: HostSite): Promise<string[]> {
  const again = await reboot(host, []);
  return [
    ...host.agentStarts || again.agentStarts ? ['the agent starts'] : [],
    ...host.poweredOff && !host.hangs ? [] : ['it does not end'],
    ...host.activeUnits.includes(GUARD) || again.activeUnits.includes(GUARD) ? ['its guard runs'] : [],
    ...dockerSees(again, hostPath).kind === 'lustre' ? ['a container would see Lustre'] : [],
  ];
}

function refuses(host: BootedHost, path: string): string[] {
  const { kind } = dockerSees(host, path);
  return kind === 'refused' ? [] : [`a container of another run sees ${kind}`];
}

function saysOnce({ console: said }: BootedHost, what: RegExp): string[] {
  return said.length === 1 && said[0].startsWith('lustre-auto-export: ') && what.test(said[0]) ? [] : [`the console says ${JSON.stringify(said)}`];
}

async function agentStarts(host: Promise<BootedHost>): Promise<string[]> {
  return (await host).agentStarts ? ['the agent starts'] : [];
}

async function syncs(site: HostSite): Promise<string[]> {
  const before = await boot(site);
  const until = async (answers?: HostAnswers) => {
    const commands = since(before, await spotNotice(before, answers));
    return commands.slice(0, placeOf(commands, /^systemctl stop/)).includes(`sync -f ${site.hostPath}`);
  };
  return [
    ...await until() ? [] : ['nothing is synced while the job runs'],
    ...await until({ containerEnds: true, spotNoticeAtLook: 1 }) ? [] : ['nothing is synced when a container ends'],
  ];
}

async function onSpotNotice(site: HostSite): Promise<string[]> {
  const before = await boot(site);
  const after = await spotNotice(before);
  const commands = since(before, after);
  const order = [/^systemctl stop ecs\.service/, /^timeout 20 sync -f/, /^docker stop /, /^umount -c \/mnt/, /^umount -c \/run/]
    .map((pattern) => placeOf(commands, pattern));
  return [
    ...inOrder(order, commands),
    ...commands.slice(order[2], order[3]).some((command) => /^sync -f/.test(command)) ? [] : ['nothing is synced once the containers have stopped'],
    ...commands.filter((command) => /^curl .*instance-action$/.test(command)).length === 3 ? [] : ['it does not look until there is a notice'],
    ...after.console.length === 2 && /: the instance is being reclaimed$/.test(after.console[1]) ? [] : [`the console says ${JSON.stringify(after.console)}`],
    ...handedBack(after),
    ...dockerSees(after, site.hostPath).kind === 'read-only' ? [] : ['a container could write'],
  ];
}

/** Unmounted, without an agent, and left for EC2 to end. */
function handedBack(host: BootedHost): string[] {
  return [
    ...host.agentStarts || host.hangs || host.poweredOff ? ['it is not left for EC2 to end'] : [],
    ...host.mounts.some(({ type }) => type === 'lustre') ? ['Lustre is still mounted'] : [],
  ];
}

async function onShutdown(site: HostSite): Promise<string[]> {
  const first = await boot(site);
  const hosts = [first, await reboot(first, [site.fileSystem])];
  const ends = await Promise.all(hosts.map(async (before) => ({ before, after: await shutDown(before) })));
  return ends.flatMap(({ before, after }) => {
    const commands = since(before, after);
    const order = [/^containers end/, /^sync -f/, /^umount -c \/mnt/, /^umount -c \/run/, /^the network ends/].map((pattern) => placeOf(commands, pattern));
    const early = commands.slice(0, order[0]).filter((command) => /^umount/.test(command));
    return [...early, ...inOrder(order, commands), ...handedBack(after), ...after.activeUnits.includes(MOUNT) ? ['its mount does not end'] : []];
  });
}

async function struck(site: HostSite, some: Take, does: 'loses power' | 'is killed'): Promise<string[]> {
  const { commands } = await boot(site);
  // until then there is no drop-in, or only in memory, and nothing that could help
  const earliest = does === 'is killed' ? 2 : 3;
  const count = commands.filter((command) => !command.startsWith('systemctl')).length;
  const broken = await Promise.all(some(Array.from({ length: count - earliest + 1 }, (_, i) => earliest + i)).map(async (at) => {
    const first = await boot(site, { strike: { at, does } });
    const host = does === 'is killed' ? first : await reboot(first, [site.fileSystem]);
    const { kind } = dockerSees(host, site.hostPath);
    return host.agentStarts && kind !== 'lustre' ? [`it ${does} at command ${at}: the agent starts, and a container sees ${kind}`] : [];
  }));
  return broken.flat();
}

const since = (before: BootedHost, after: BootedHost) => after.commands.slice(before.commands.length);
const placeOf = (commands: string[], pattern: RegExp) => commands.findIndex((command) => pattern.test(command));

function inOrder(places: number[], commands: string[]): string[] {
  return places.includes(-1) || [...places].sort((a, b) => a - b).some((place, i) => place !== places[i]) ? [`the order is ${places.join()} of ${commands.join('; ')}`] : [];
}
