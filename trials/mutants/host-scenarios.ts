import { End, Promised, Scenario } from './scenario';
import { BootedHost, bootHost, BootRequest, dockerSees, HostAnswers, reboot, spotNotice } from '../../local/host/boot';
import { BRISK, calls } from '../../test/helpers/pipeline-run';

/** The user data that a run really sent, and the world in which it boots. */
interface Site {
  readonly hostPath: string;
  readonly fileSystem: BootRequest['fileSystems'][0];
  readonly boot: (answers?: HostAnswers, request?: Partial<BootRequest>) => Promise<BootedHost>;
}

const EXPORT = '/export';
const UNABLE: { readonly [why: string]: HostAnswers } = {
  'the client cannot be installed': { installFailures: Infinity },
  'the mount always fails': { mountFailures: Infinity },
  'the mount always hangs': { mountHangs: Infinity },
  'what is mounted is not Lustre': { mountType: 'nfs' },
  'the directory cannot be bound': { bindFails: true },
  'the parent cannot be locked': { tmpfsFails: true },
};

/** What instances do at boot, at a reboot and at a spot notice, with the user data of a real run under bash. */
export function hostScenarios(): Scenario[] {
  return [
    host('shows the exported directory and nothing else', async ({ boot, ...site }) => opened(await boot(), site)),
    host('shows it again after a reboot', async ({ boot, ...site }) => opened(await reboot(await boot(), [site.fileSystem]), site)),
    host('needs the mount whenever the power is cut', powerCuts),
    host('closes when its file system is gone after a reboot', async ({ boot, hostPath }) => closed(await reboot(await boot(), []), hostPath)),
    ...Object.entries(UNABLE).map(([why, answers]) => host(`closes when ${why}`, async ({ boot, hostPath }) => closed(await boot(answers), hostPath))),
    host('closes on another file system', async ({ boot, hostPath, fileSystem }) =>
      closed(await boot({}, { fileSystems: [{ ...fileSystem, mountName: 'other' }] }), hostPath)),
    host('waits for what comes late', async ({ boot, ...site }) => [
      ...opened(await boot({ installFailures: 2 }), site),
      ...opened(await boot({ mountFailures: 3, mountHangs: 2 }), site),
      ...opened(await boot({}, { fileSystems: [{ ...site.fileSystem, availableAfter: 500 }] }), site),
    ]),
    host('waits for the exported directory', async ({ boot, ...site }) => {
      const late = await boot({}, { fileSystems: [{ ...site.fileSystem, directories: { [EXPORT]: 60 } }] });
      return [...opened(late, site), ...late.seconds < 60 ? ['it did not wait for the directory'] : []];
    }),
    host('makes the exported directory when it never comes', async ({ boot, ...site }) =>
      opened(await boot({}, { fileSystems: [{ ...site.fileSystem, directories: {} }] }), site)),
    host('leaves an open directory as it is', async ({ boot, fileSystem }) =>
      (await reboot(await boot(), [fileSystem])).commands.filter((command) => /^chown/.test(command)).map((command) => `${command}, which would be exported`)),
    host('ends in order on a spot notice', spot),
    host('of no run never starts the agent', ofNoRun),
  ];
}

function host(name: string, look: (site: Site, end: End) => Promise<string[]>): Scenario {
  const also: Promised['also'] = (end) => look(siteOf(end), end);
  return { name: `a host ${name}`, input: BRISK, promised: { also } };
}

function siteOf({ run, rehearsal }: End): Site {
  const [created] = calls(run, 'CreateLaunchTemplate') as any[];
  const userData = Buffer.from(created.input.LaunchTemplateData.UserData, 'base64').toString('utf8');
  const [{ answer: { FileSystem } }] = calls(run, 'CreateFileSystem') as any[];
  const hostPath: string = rehearsal.models.batch.containers[0].mounts[0].hostPath;
  const fileSystem = { dnsName: FileSystem.DNSName, mountName: FileSystem.LustreConfiguration.MountName, directories: { [EXPORT]: 0 } };
  return { hostPath, fileSystem, boot: (answers, request) => bootHost({ userData, fileSystems: [fileSystem], answers, ...request }) };
}

function opened(booted: BootedHost, { hostPath, fileSystem }: Omit<Site, 'boot'>): string[] {
  const seen = JSON.stringify(dockerSees(booted, hostPath));
  const wanted = JSON.stringify({ kind: 'lustre', fileSystemId: fileSystem.dnsName.split('.')[0], directory: EXPORT });
  const other = dockerSees(booted, `${hostPath.replace(/[^/]+$/, '')}fs-aaaaaaaaaaaaaaaaa`).kind;
  const mode = Object.values(booted.directories)[0]?.[EXPORT];
  return [
    ...booted.agentStarts && !booted.poweredOff && !booted.hangs ? [] : [`no agent: ${booted.console.join(' ')}`],
    ...seen === wanted ? [] : [`a container sees ${seen}`],
    ...other === 'refused' ? [] : [`a container of another run sees ${other}`],
    ...mode === '1777' ? [] : [`the directory is ${mode}`],
    ...booted.console.length === 1 ? [] : [`the console says ${booted.console.length} things`],
    ...booted.files['/etc/ecs/ecs.config']?.endsWith('ECS_ENABLE_SPOT_INSTANCE_DRAINING=false\n') ? [] : ['ECS drains on a spot notice'],
  ];
}

/** No agent, not now and not after a reboot; nothing that could be written to; a reason; and its end. */
async function closed(booted: BootedHost, hostPath: string): Promise<string[]> {
  const again = await reboot(booted, []);
  return [
    ...booted.agentStarts || again.agentStarts ? ['the agent starts'] : [],
    ...booted.poweredOff && !booted.hangs ? [] : ['it does not end'],
    ...booted.console.length === 1 ? [] : [`the console says ${booted.console.length} things`],
    ...dockerSees(again, hostPath).kind === 'lustre' ? ['a container would see Lustre'] : [],
    ...booted.seconds < 3600 ? [] : [`it took ${booted.seconds} s`],
  ];
}

async function powerCuts({ boot, hostPath, fileSystem }: Site): Promise<string[]> {
  const count = (await boot()).commands.filter((one) => !one.startsWith('systemctl')).length;
  const broken: string[] = [];
  for (let cut = 2; cut <= count; cut += 2) {
    const again = await reboot(await boot({ powerCutAt: cut }), [fileSystem]);
    const { kind } = dockerSees(again, hostPath);
    if (again.agentStarts && kind !== 'lustre') broken.push(`power cut at command ${cut}: the agent starts, and a container sees ${kind}`);
  }
  return broken;
}

async function spot({ boot, hostPath, fileSystem }: Site): Promise<string[]> {
  const before = await boot();
  const after = await spotNotice(before);
  const commands = after.commands.slice(before.commands.length);
  const order = [/^systemctl stop ecs\.service/, /^timeout 20 sync -f/, /^docker stop /, /^umount -c \/mnt/, /^umount -c \/run/]
    .map((pattern) => commands.findIndex((command) => pattern.test(command)));
  const rebooted = await reboot(after, [fileSystem]);
  const secondNotice = await spotNotice(rebooted);
  return [
    ...order.includes(-1) || [...order].sort((a, b) => a - b).some((place, i) => place !== order[i]) ? [`the order is ${order.join()}`] : [],
    ...commands.slice(order[2], order[3]).some((command) => /^sync -f/.test(command)) ? [] : ['nothing is synced once the containers have stopped'],
    ...commands.slice(0, order[0]).some((command) => command === `sync -f ${hostPath}`) ? [] : ['nothing is synced while the job runs'],
    ...after.agentStarts || after.hangs || after.poweredOff ? ['it is not left for EC2 to end'] : [],
    ...after.mounts.some(({ type }) => type === 'lustre') ? ['Lustre is still mounted'] : [],
    ...rebooted.agentStarts && !secondNotice.agentStarts ? [] : ['a reboot changes it'],
  ];
}

async function ofNoRun(_: Site, { rehearsal }: End): Promise<string[]> {
  const template = rehearsal.engine.template.ofType('AWS::EC2::LaunchTemplate')[0].properties.LaunchTemplateData;
  const first = await bootHost({ userData: Buffer.from(template.UserData, 'base64').toString('utf8'), fileSystems: [] });
  const hosts = [first, await reboot(first, [])];
  return hosts.flatMap((each) => [
    ...each.agentStarts ? ['the agent starts'] : [],
    ...each.poweredOff ? ['it ends itself'] : [],
    ...dockerSees(each, '/mnt/lustre-runs/any').kind === 'refused' ? [] : [`a container sees ${dockerSees(each, '/mnt/lustre-runs/any').kind}`],
    ...first.console.length === 1 ? [] : ['it does not say what it is'],
  ]);
}
