import { isIn, normal, MemoryFiles } from './files';
import { Instance } from './instance';
import { FileActions, JobFiles } from './job-script';
import { View } from './mount';

/** Docker could not start the container. */
export class ContainerStartError extends Error {}

export interface HostVolume {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
}

/** A directory of the host as Docker binds it into a container. */
export interface BoundDirectory extends HostVolume {
  /** Undefined where it is on the instance's own disk. */
  readonly fileSystemId?: string;
  /** On the file system, or on the instance's disk. */
  readonly directory: string;
  readonly files: FileActions;
}

/** Ground truth of one container that ran: where its files really went. */
export interface ContainerRecord {
  readonly jobId: string;
  readonly jobName: string;
  readonly attempt: number;
  readonly instanceId: string;
  readonly mounts: BoundDirectory[];
  readonly startedAt: number;
  /** When its program really ended, whatever Batch knows of it. */
  endedAt?: number;
}

/** The bind mounts that the properties of a job definition ask for. */
export function hostVolumes({ volumes = [], mountPoints = [] }: Record<string, any>): HostVolume[] {
  return mountPoints.map(({ sourceVolume, containerPath, readOnly = false }: Record<string, any>) => {
    const { host } = volumes.find(({ name }: Record<string, any>) => name === sourceVolume);
    return { hostPath: host?.sourcePath ?? `/var/lib/docker/volumes/${sourceVolume}/_data`, containerPath, readOnly };
  });
}

/** What Docker does with the source path of a bind mount: a missing one is created (D2.4), if that is possible. */
export function bindDirectory(instance: Instance, volume: HostVolume, disk: FileActions): BoundDirectory {
  const seen = instance.host!.sees(volume.hostPath);
  switch (seen.kind) {
    case 'lustre': {
      const mounted = mountedOn(instance, seen.fileSystemId, volume.hostPath);
      return { ...volume, fileSystemId: seen.fileSystemId, directory: seen.directory, files: volume.readOnly ? withoutWrites(mounted) : mounted };
    }
    case 'read-only':
      return { ...volume, directory: volume.hostPath, files: withoutWrites(disk) };
    case 'instance-disk':
      return { ...volume, directory: volume.hostPath, files: volume.readOnly ? withoutWrites(disk) : disk };
    case 'refused': {
      const why = `mkdir ${volume.hostPath}: operation not permitted`;
      throw new ContainerStartError(`Error response from daemon: error while creating mount source path '${volume.hostPath}': ${why}`);
    }
  }
}

/** A file system that was deleted under its hosts answers nothing any more. */
function mountedOn(instance: Instance, fileSystemId: string, hostPath: string): FileActions {
  try {
    return instance.mount(fileSystemId);
  } catch {
    throw new ContainerStartError(`Error response from daemon: invalid mount config for type "bind": stat ${hostPath}: input/output error`);
  }
}

/** Everything that is not mounted is on the instance's own disk, and lost with it (I8). */
class InstanceDisk extends MemoryFiles {
  constructor(now: () => number, private readonly onWrite: (path: string) => void) {
    super(now);
  }

  write(...parameters: Parameters<MemoryFiles['write']>): void {
    super.write(...parameters);
    this.onWrite(parameters[0]);
  }

  writeMany(...parameters: Parameters<MemoryFiles['writeMany']>): void {
    super.writeMany(...parameters);
    this.onWrite(parameters[0]);
  }
}

export function instanceDisk(instance: Instance, now: () => number, onWrite: (path: string) => void): FileActions {
  return new View({ id: 'instance-disk', files: new InstanceDisk(now, onWrite), advance: () => {} }, instance.id, () => {});
}

function withoutWrites(files: FileActions): FileActions {
  const refuse = (path: string) => {
    throw new Error(`EROFS: read-only file system, open '${path}'`);
  };
  return {
    read: (path) => files.read(path),
    stat: (path) => files.stat(path),
    list: (directory) => files.list(directory),
    realPath: (path) => files.realPath(path),
    close: () => {},
    write: refuse,
    append: refuse,
    save: refuse,
    saveMany: refuse,
    makeDirectory: refuse,
    makeSymlink: refuse,
    makeSpecial: refuse,
    setAttributes: refuse,
    rename: refuse,
    remove: refuse,
  };
}

/** The files of a container: what is below a mount point goes to its host directory, all else onto the instance's own disk. */
export function containerFiles(mounts: BoundDirectory[], disk: FileActions): JobFiles {
  const innermostFirst = [...mounts].sort((a, b) => b.containerPath.length - a.containerPath.length);
  const locate = (path: string): [files: FileActions, there: string] => {
    const absolute = path.startsWith('/') ? normal(path) : normal(`${mounts[0]?.containerPath ?? '/'}/${path}`);
    const mount = innermostFirst.find(({ containerPath }) => isIn(absolute, normal(containerPath)));
    return mount ? [mount.files, normal(`${mount.directory}/${absolute.slice(normal(mount.containerPath).length)}`)] : [disk, absolute];
  };
  const at = <T>(path: string, act: (files: FileActions, there: string) => T) => act(...locate(path));
  return {
    write: (path, size, content) => at(path, (files, there) => files.write(there, size, content)),
    append: (path, size, content) => at(path, (files, there) => files.append(there, size, content)),
    close: (path) => at(path, (files, there) => files.close(there)),
    save: (path, size, content) => at(path, (files, there) => files.save(there, size, content)),
    realPath: (path = '') => at(path, (files, there) => files.realPath(there)),
    saveMany: (path, count, size) => at(path, (files, there) => files.saveMany(there, count, size)),
    read: (path) => at(path, (files, there) => files.read(there)),
    stat: (path) => at(path, (files, there) => files.stat(there)),
    list: (directory = '') => at(directory, (files, there) => files.list(there)
      .map((entry) => ({ ...entry, path: entry.path.slice(there === '/' ? 1 : there.length + 1) }))),
    makeDirectory: (path) => at(path, (files, there) => files.makeDirectory(there)),
    makeSymlink: (path, target) => at(path, (files, there) => files.makeSymlink(there, target)),
    makeSpecial: (path) => at(path, (files, there) => files.makeSpecial(there)),
    setAttributes: (path, attributes) => at(path, (files, there) => files.setAttributes(there, attributes)),
    rename: (from, to) => at(from, (files, there) => files.rename(there, locate(to)[1])),
    remove: (path) => at(path, (files, there) => files.remove(there)),
  };
}
