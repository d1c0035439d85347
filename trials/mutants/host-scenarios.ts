import { End, Promised, Scenario } from './scenario';
import { hostPromises, HostSite, idleHostPromises } from '../../test/helpers/host-promises';
import { BRISK, calls } from '../../test/helpers/pipeline-run';

/** What instances do at boot, at a reboot, at a shutdown and at a spot notice, with the user data of a real run under bash. */
export function hostScenarios(): Scenario[] {
  return [
    scenario('a host of a run keeps its promises', async (end) => {
      const site = siteOf(end);
      return firstBroken(hostPromises(everySecond), ({ look }) => look(site));
    }),
    scenario('a host of no run keeps its promises', async ({ rehearsal }) => {
      const template = rehearsal.engine.template.ofType('AWS::EC2::LaunchTemplate')[0].properties.LaunchTemplateData;
      return firstBroken(idleHostPromises(), ({ look }) => look(Buffer.from(template.UserData, 'base64').toString('utf8')));
    }),
  ];
}

/** Of sweeps over all commands of a script: what spares half of a mutant's time costs no kill. */
const everySecond = <T>(all: T[]): T[] => all.length < 20 ? all : all.filter((_, i) => i % 2 === 0);

const scenario = (name: string, also: Promised['also']): Scenario => ({ name, input: BRISK, promised: { also } });

async function firstBroken<P extends { readonly name: string }>(promises: P[], look: (each: P) => Promise<string[]>): Promise<string[]> {
  for (const each of promises) {
    const broken = await look(each);
    if (broken.length > 0) return [`${each.name}: ${broken[0]}`];
  }
  return [];
}

/** The user data that a run really sent, and the world in which it boots. */
function siteOf({ run, rehearsal }: End): HostSite {
  const [created] = calls(run, 'CreateLaunchTemplate') as any[];
  const [{ answer: { FileSystem } }] = calls(run, 'CreateFileSystem') as any[];
  const directory = '/export';
  return {
    userData: Buffer.from(created.input.LaunchTemplateData.UserData, 'base64').toString('utf8'),
    fileSystem: { dnsName: FileSystem.DNSName, mountName: FileSystem.LustreConfiguration.MountName, directories: { [directory]: 0 } },
    directory,
    hostPath: rehearsal.models.batch.containers[0].mounts[0].hostPath,
  };
}
