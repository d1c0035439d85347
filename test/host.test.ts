import { execFileSync } from 'child_process';
import { hostPromises, HostSite, idleHostPromises } from './helpers/host-promises';
import { half, sample } from './helpers/sample';
import { BootedHost, bootHost, BootRequest, dockerSees, HostAnswers, reboot } from '../local/host/boot';
import { shellScripts } from '../local/host/mime';
import { baseUserData, hostPathFormat, RUN_LINE_FORMAT, runUserData } from '../src/private/host-user-data';

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

function siteOf(directory: string): HostSite {
  return { userData: userDataOf(fileSystemId, directory), fileSystem: { ...fileSystem, directories: { [directory]: 0 } }, directory, hostPath };
}

function boot(answers?: HostAnswers, request?: Partial<BootRequest>): Promise<BootedHost> {
  return bootHost({ userData: userDataOf(), fileSystems: [fileSystem], answers, ...request });
}

describe('a host of a run', () => {
  test.each(half(hostPromises(sample)))('$name', async ({ look }) => expect(await look(siteOf('/export'))).toEqual([]));

  test.each(hostPromises(() => []).filter(({ name }) => /^makes/.test(name)))('whose directory lies deep $name', async ({ look }) => {
    expect(await look(siteOf('/deep/export'))).toEqual([]);
  });
});

describe('a host of no run', () => {
  test.each(idleHostPromises())('$name', async ({ look }) => expect(await look(baseUserData())).toEqual([]));
});

describe('the text', () => {
  test.each([
    ['run', userDataOf('fs-0123456789abcdef0', `/${'d'.repeat(100)}`)],
    ['base', baseUserData()],
  ])('of the %s template fits into States.Base64Encode (E12), is ASCII, MIME and bash', (_, text) => {
    expect(text.length).toBeLessThan(10_000);
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    expect(text).not.toContain('\\'); // whether States.Format takes it as an escape is not documented
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
