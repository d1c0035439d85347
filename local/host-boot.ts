import { bootHost, dockerSees, HostAnswers, spotNotice } from './host/boot';
import { FsxModel } from './models/fsx';
import { HostBoot } from './models/instance';
import { World } from './world';

/** Instances of the Batch model boot by running their real user data, on the file systems that the FSx model has just then. */
export function hostBoot(world: World, fsx: FsxModel, answers: HostAnswers = {}): HostBoot {
  const all: HostAnswers = { installFailures: world.switches.packageAtBoot === 'failsTwice' ? 2 : 0, ...answers }; // D2.7
  return async ({ userData }) => {
    const fileSystems = fsx.reachable().filter(({ fileSystemId }) => userData.includes(fileSystemId)); // a script reaches no other than it names
    const names = [...fileSystems.map(({ mountName }) => mountName), ...runNames(fsx).filter((name) => userData.includes(name))];
    const host = await bootHost({ userData, fileSystems, answers: all, names });
    return {
      seconds: host.seconds,
      console: host.console,
      agentStarts: host.agentStarts,
      poweredOff: host.poweredOff,
      hangs: host.hangs,
      hostPaths: host.hostPaths,
      sees: (path) => dockerSees(host, path),
      onUp: () => makeDirectories(fsx, host.directories, userData),
      // what the host does with its two minutes is run, so that a script that cannot run is noticed
      onSpotNotice: () => { world.clock.during(spotNotice(host, all)).catch((error) => { throw error; }); },
    };
  };
}

/** Values that only one run has, by which its file systems are tagged: they mean nothing to a script, and boots are remembered without them. */
function runNames(fsx: FsxModel): string[] {
  return [...new Set(fsx.living().flatMap(({ tags }) => [...tags.values()]))].filter((value) => /^[\w-]{16,}$/.test(value) && /\d/.test(value));
}

/** What the script made or changed on the file systems that it names; a boot tells of all that it could have reached. */
function makeDirectories(fsx: FsxModel, directories: { readonly [id: string]: { readonly [path: string]: string } }, userData: string): void {
  for (const { id, files } of fsx.living().filter((each) => userData.includes(each.id))) {
    for (const [path, mode] of Object.entries(directories[id] ?? {})) {
      if (!files.get(path)) files.makeDirectory(path);
      files.setAttributes(path, { mode: parseInt(mode, 8) });
    }
  }
}
