import { execFileSync } from 'child_process';
import { exhaustive, sample } from './helpers/sample';
import { BootedHost, bootHost, BootRequest, dockerSees, HostAnswers, reboot, spotNotice } from '../local/host/boot';
import { shellScripts } from '../local/host/mime';
import { baseUserData, CONSOLE_PREFIX, HOST_PATH_PARENT, hostPathFormat, RUN_LINE_FORMAT, runUserData } from '../src/private/host-user-data';

const fileSystemId = 'fs-0123456789abcdef0';
const hostPath = hostPathFormat().replace('{}', fileSystemId);
const fileSystem = { dnsName: `${fileSystemId}.fsx.eu-west-1.amazonaws.com`, mountName: 'ab3cd4ef', directories: { '/export': 0 } };

// hundreds of small processes a boot, perhaps on a busy machine
jest.setTimeout(60_000);

/** As States.Format does it. */
function format(template: string, ...values: string[]): string {
  return template.replace(/\{\}/g, () => values.shift()!);
}

function userDataOf(id = fileSystemId, directory = '/export'): string {
  const { head, tail } = runUserData({ region: 'eu-west-1', urlSuffix: 'amazonaws.com' });
  const line = format(RUN_LINE_FORMAT, id, 'ab3cd4ef', directory, hostPathFormat().replace('{}', id), '20261122T153703Z-1a2b3c4d5e6f');
  return head + line + tail;
}

function boot(answers?: HostAnswers, request?: Partial<BootRequest>): Promise<BootedHost> {
  return bootHost({ userData: userDataOf(), fileSystems: [fileSystem], answers, ...request });
}

/** The host does no harm: no agent, not now and not after a reboot; no place for Docker to write to; a reason; and its end. */
async function expectClosed(host: BootedHost, reason: RegExp): Promise<void> {
  expect(host).toMatchObject({ agentStarts: false, poweredOff: true, hangs: false });
  expect(host.console.filter((line) => line.startsWith(CONSOLE_PREFIX) && reason.test(line))).toHaveLength(1);
  expect(host.console).toHaveLength(1);
  expect(host.files['/etc/systemd/system/ecs.service']).toBe('-> /dev/null');
  expect(host.files['/etc/systemd/system/multi-user.target.wants/ecs.service']).toBeUndefined();
  const ends = host.commands.indexOf('shutdown -h now');
  expect(host.commands.indexOf('systemctl mask ecs.service')).toBeLessThan(ends);
  const again = await reboot(host, []);
  expect(again.agentStarts).toBe(false);
  expect(dockerSees(again, hostPath).kind).not.toBe('lustre');
}

describe('a host of a run', () => {
  test('shows only the exported directory, starts the agent after that, and takes nothing else', async () => {
    const host = await boot();
    expect(host).toMatchObject({ agentStarts: true, poweredOff: false, hangs: false });
    expect(dockerSees(host, hostPath)).toEqual({ kind: 'lustre', fileSystemId, directory: '/export' });
    expect(dockerSees(host, `${HOST_PATH_PARENT}/fs-aaaaaaaaaaaaaaaaa`)).toEqual({ kind: 'refused' });
    expect(host.directories[fileSystemId]).toEqual({ '/export': '1777' });
    expect(host.lockedParents).toEqual([HOST_PATH_PARENT]);
    expect(host.files['/etc/ecs/ecs.config']).toBe('ECS_ENABLE_SPOT_INSTANCE_DRAINING=false\n');
    expect(host.console).toEqual([expect.stringMatching(`^${CONSOLE_PREFIX} 20261122T153703Z-1a2b3c4d5e6f: ${hostPath} shows /export`)]);
    // the agent needs the mount before anything else is tried
    const written = host.commands.indexOf('systemctl daemon-reload');
    expect(host.commands.slice(0, written)).toEqual(['mkdir -p ecs.service.d']);
    expect(host.seconds).toBe(0);
    // what no stand-in can show: the order at a shutdown, a script that is killed, other users of the host
    const service = host.files['/etc/systemd/system/lustre-run.service'].split('\n');
    expect(service).toEqual(expect.arrayContaining(['Before=docker.service ecs.service', 'FailureAction=poweroff']));
    expect(host.machine['run/lustre-run'].mode).toBe(0o700);
    expect(host.commands).toContainEqual(expect.stringContaining('mount -t lustre -o relatime,flock')); // C5
    expect(host.commands.filter((command) => /systemctl.*start.*(ecs|docker)/.test(command))).toEqual([]); // D2.3
  });

  test('shows it again after a reboot, where user data does not run, and the agent waits for it', async () => {
    const host = await reboot(await boot(), [fileSystem]);
    expect(host.agentStarts).toBe(true);
    expect(dockerSees(host, hostPath)).toEqual({ kind: 'lustre', fileSystemId, directory: '/export' });
    expect(host.commands).not.toContainEqual(expect.stringContaining('dnf'));
    expect(dockerSees(host, `${HOST_PATH_PARENT}/other`)).toEqual({ kind: 'refused' });
  });

  test('does not start the agent without the mount, whenever the power is cut', async () => {
    const { commands, files } = await boot();
    const dropIn = files['/etc/systemd/system/ecs.service.d/lustre-run.conf'];
    expect(dropIn).toMatch(new RegExp(`^BindsTo=lustre-run.service\nAfter=lustre-run.service\nAssertPathIsMountPoint=${hostPath}$`, 'm'));
    // before the first one there is no drop-in yet; of the rest a part, because each is two boots under bash
    const count = commands.filter((one) => !one.startsWith('systemctl')).length;
    const cuts = sample(Array.from({ length: count - 1 }, (_, i) => 2 + i));
    await Promise.all(cuts.map(async (command) => {
      const host = await reboot(await boot({ powerCutAt: command }), [fileSystem]);
      const kind = dockerSees(host, hostPath).kind;
      expect({ command, agentStarts: host.agentStarts, kind }).not.toMatchObject({ agentStarts: true, kind: expect.not.stringMatching('lustre') });
    }));
  });

  exhaustive('closes after a reboot that finds the file system gone', async () => {
    await expectClosed(await reboot(await boot(), []), /could not be mounted: .*No such file or directory/);
  });

  test('installs the client at the third try', async () => {
    const host = await boot({ installFailures: 2 });
    expect(host).toMatchObject({ agentStarts: true, seconds: 15 });
  });

  test.each(sample<[string, HostAnswers, RegExp]>([
    ['the client cannot be installed', { installFailures: Infinity }, /client could not be installed: .*metadata/],
    ['the mount always fails', { mountFailures: Infinity }, /fs-0123456789abcdef0 could not be mounted: .*Input\/output error/],
    ['the mount always hangs', { mountHangs: Infinity }, /could not be mounted: no answer/],
    ['what is mounted is not Lustre', { mountType: 'nfs' }, /not Lustre/],
    ['the directory cannot be bound', { bindFails: true }, /does not show \/export/],
    ['the parent cannot be locked', { tmpfsFails: true }, /could not be locked/],
  ]))('closes when %s', async (_, answers, reason) => {
    const host = await boot(answers);
    await expectClosed(host, reason);
    expect(host.seconds).toBeLessThan(3600);
    expect(dockerSees(host, hostPath).kind).toBe('tmpfsFails' in answers ? 'instance-disk' : answers.bindFails ? 'read-only' : 'refused');
  });

  exhaustive('waits for a file system that is still in creation, and for one that answers late', async () => {
    expect(await boot({}, { fileSystems: [{ ...fileSystem, availableAfter: 500 }] })).toMatchObject({ agentStarts: true });
    expect(await boot({ mountFailures: 3, mountHangs: 2 })).toMatchObject({ agentStarts: true });
  });

  exhaustive('closes on a Lustre version that its client does not speak (C4), and on another file system', async () => {
    await expectClosed(await boot({}, { fileSystems: [{ ...fileSystem, version: '2.10' }] }), /Invalid argument/);
    await expectClosed(await boot({}, { fileSystems: [{ ...fileSystem, mountName: 'other' }] }), /could not be mounted/);
  });

  test('waits for the exported directory and does not make it while it may still come', async () => {
    const host = await boot({}, { fileSystems: [{ ...fileSystem, directories: { '/export': 60 } }] });
    expect(host).toMatchObject({ agentStarts: true, directories: { [fileSystemId]: { '/export': '1777' } } });
    expect(host.seconds).toBeGreaterThanOrEqual(60);
    expect(host.commands).not.toContainEqual(expect.stringMatching(/^mkdir .*\/export$/));
  });

  exhaustive('makes the exported directory when it never comes', async () => {
    const host = await boot({}, { userData: userDataOf(fileSystemId, '/deep/export'), fileSystems: [{ ...fileSystem, directories: {} }] });
    expect(host).toMatchObject({ agentStarts: true, directories: { [fileSystemId]: { '/deep/export': '1777' } } });
    expect(dockerSees(host, hostPath)).toEqual({ kind: 'lustre', fileSystemId, directory: '/deep/export' });
    expect(host.seconds).toBeLessThan(180);
  });

  exhaustive('does not touch a directory that is open already: a change of its metadata would be exported (A5.1)', async () => {
    const again = await reboot(await boot(), [fileSystem]);
    expect(again.commands).not.toContainEqual(expect.stringMatching(/^chown/));
  });

  test('on the spot notice the agent stops before the containers, then all is written and unmounted', async () => {
    const host = await boot();
    const after = await spotNotice(host);
    const commands = after.commands.slice(host.commands.length);
    const order = [/^systemctl stop ecs\.service/, /^timeout 20 sync -f/, /^docker stop /, /^umount -c \/mnt/, /^umount -c \/run/]
      .map((pattern) => commands.findIndex((command) => pattern.test(command)));
    expect(order).not.toContain(-1);
    expect([...order].sort((a, b) => a - b)).toEqual(order);
    expect(commands.slice(order[2], order[3]).filter((command) => /^sync -f/.test(command)).length).toBeGreaterThan(0);
    expect(after).toMatchObject({ agentStarts: false, hangs: false, poweredOff: false });
    expect(after.mounts.map(({ type }) => type)).toEqual(['tmpfs']);
    expect(dockerSees(after, hostPath)).toEqual({ kind: 'read-only' });
    // it asks with a token (C9), and synced every few seconds until then
    expect(commands.filter((command) => /^curl .*instance-action$/.test(command))).toHaveLength(3);
    expect(commands.slice(0, order[0])).toContainEqual(`sync -f ${hostPath}`);
    expect(commands).toContainEqual(expect.stringContaining('docker events --filter event=die'));
    const rebooted = await reboot(after, [fileSystem]);
    expect(rebooted.agentStarts).toBe(true);
    expect((await spotNotice(rebooted)).agentStarts).toBe(false);
  });
});

describe('a host of no run', () => {
  test('never starts the agent, not after a reboot either, says so and stays: one that ended itself would be replaced for ever', async () => {
    const host = await bootHost({ userData: baseUserData(), fileSystems: [] });
    expect(host).toMatchObject({ agentStarts: false, poweredOff: false });
    expect((await reboot(host, [])).agentStarts).toBe(false);
    expect(host.console.join('\n')).toMatch(/no run is attached/);
    expect(host.lockedParents).toEqual([HOST_PATH_PARENT]);
    expect(host.commands[0]).toBe('systemctl mask ecs.service');
    expect((await reboot(host, [])).lockedParents).toEqual([HOST_PATH_PARENT]);
  });
});

describe('the text', () => {
  test.each([
    ['run', userDataOf('fs-0123456789abcdef0', `/${'d'.repeat(100)}`)],
    ['base', baseUserData()],
  ])('of the %s template fits into States.Base64Encode (E12), is ASCII, MIME and bash', (_, text) => {
    expect(text.length).toBeLessThan(10_000);
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    const scripts = shellScripts(text);
    expect(scripts).toHaveLength(1);
    execFileSync('bash', ['-n'], { input: scripts[0] });
  });

  test('of the one line holds nothing that States.Format would eat', () => {
    expect(RUN_LINE_FORMAT.replace(/\{\}/g, '')).toMatch(/^[A-Z_= ]+$/);
    expect(hostPathFormat()).toMatch(/^[a-z/-]+\{\}$/);
  });

  test('that is not MIME as Batch wants it (D2.1) holds no script, and then nothing stops the agent', async () => {
    const text = userDataOf();
    const broken = [
      text.replace('MIME-Version: 1.0\n', ''),
      text.replace('"\n\n--', '"\n--'),
      text.replace('us-ascii"\n\n', 'us-ascii"\n'),
      text.replace(/\n\n(--[^\n]*--\n)$/, '\n$1'),
      text.replace(/--\n$/, '\n'),
      text.replace('x-shellscript', 'plain'),
      text.replace('#!/bin/bash\n', ''),
      text.replace('fsx', 'fs\u00fc'),
    ];
    broken.forEach((one) => expect(shellScripts(one)).toEqual([]));
    const host = await boot({}, { userData: broken[0] });
    expect(host).toMatchObject({ agentStarts: true, mounts: [] });
    expect(dockerSees(host, hostPath)).toEqual({ kind: 'instance-disk' });
  });
});

describe('the stand-ins', () => {
  const script = (...lines: string[]) => userDataOf().replace(/#!\/bin\/bash\n[^]*\n\n--/, `#!/bin/bash\n${lines.join('\n')}\n\n--`);

  test('refuse what they do not model', async () => {
    await expect(boot({}, { userData: script('dnf update -y') })).rejects.toThrow('do not model: dnf update -y');
    await expect(boot({}, { userData: script('systemctl edit ecs') })).rejects.toThrow('do not model');
  });

  test('know no other command, and hold no memory between hosts', async () => {
    const host = await boot({}, { userData: script('amazon-linux-extras install -y lustre || echo $? >/etc/code', 'ls /mnt >/etc/mnt') });
    expect(host.files['/etc/code']).toBe('127\n');
    expect(host.files['/etc/mnt']).toBe('');
  });

  test('a start of the agent that waits for itself never ends (D2.3)', async () => {
    expect(await boot({}, { userData: script('systemctl start ecs') })).toMatchObject({ agentStarts: false, hangs: true });
    expect(await boot({}, { userData: script('systemctl start --no-block ecs') })).toMatchObject({ agentStarts: true, hangs: false });
  });

  test('a loop without an end, and a mount without a time-out, hang', async () => {
    expect(await boot({}, { userData: script('while :; do sleep 600; done') })).toMatchObject({ hangs: true, agentStarts: false });
    const mount = `mkdir -p /mnt/x; dnf install -y lustre-client; mount -t lustre ${fileSystem.dnsName}@tcp:/ab3cd4ef /mnt/x`;
    expect(await boot({ mountHangs: 1 }, { userData: script(mount) })).toMatchObject({ hangs: true });
  });

  test('a naive mount fails open, which is why the real one does not trust it', async () => {
    const naive = script(
      'dnf install -y lustre-client', `mkdir -p ${hostPath}`, `mount -t lustre ${fileSystem.dnsName}@tcp:/ab3cd4ef ${hostPath}`,
    );
    expect(dockerSees(await boot({}, { userData: naive }), hostPath)).toMatchObject({ kind: 'lustre', directory: '/' });
    const failed = await boot({ mountFailures: 1 }, { userData: naive });
    expect(failed.agentStarts).toBe(true);
    expect(dockerSees(failed, hostPath)).toEqual({ kind: 'instance-disk' });
    const rebooted = await reboot(await boot({}, { userData: naive }), [fileSystem]);
    expect(rebooted.agentStarts).toBe(true);
    expect(dockerSees(rebooted, hostPath)).toEqual({ kind: 'instance-disk' });
  });

  test('one boot serves all runs that differ by name only', async () => {
    const other = 'fs-0fedcba9876543210';
    const dnsName = fileSystem.dnsName.replace(fileSystemId, other);
    const host = await boot({}, { userData: userDataOf(other), fileSystems: [{ ...fileSystem, dnsName }] });
    expect(dockerSees(host, hostPathFormat().replace('{}', other))).toEqual({ kind: 'lustre', fileSystemId: other, directory: '/export' });
    expect(JSON.stringify(host)).not.toContain(fileSystemId);
  });
});
