import { AwsError, ServiceModel, World } from '../world';
import { Association } from './association';
import { Buckets } from './bucket';
import { canonical, NotModelled, onlyModelled, page, reading } from './checks';
import { DataRepositoryTask, TaskRequest } from './data-repository-task';
import { describeAssociation, describeFileSystem } from './fsx-answers';
import { FileSystem } from './fsx-file-system';
import { associationSettings, bad, checkQuota, checkTags, chunkSize, fileSystemSettings, policies, Tags, taskRequest } from './fsx-requests';
import { FsxOptions, FsxState, ServiceLinkedRoles } from './fsx-state';

type Input = Record<string, any>;

const MAX_PAGE = 50;
const MAX_ASSOCIATIONS_A_PAGE = 25; // A3.5

/** The API of Amazon FSx, for Lustre and its links to S3. */
export class FsxModel extends FsxState implements ServiceModel {
  readonly service = 'fsx';
  /** Largest page of a list; steering. */
  pageSize = MAX_PAGE;
  private readonly tokens = new Map<string, { parameters: string; fileSystem: FileSystem; answer: () => unknown }>();
  private readonly actions: Record<string, (input: Input) => unknown> = {
    CreateFileSystem: (input) => this.createFileSystem(input),
    DescribeFileSystems: (input) => this.describeFileSystems(input),
    DeleteFileSystem: (input) => this.deleteFileSystem(input),
    CreateDataRepositoryAssociation: (input) => this.createAssociation(input),
    DescribeDataRepositoryAssociations: (input) => this.describeAssociations(input),
    UpdateDataRepositoryAssociation: (input) => this.updateAssociation(input),
    CreateDataRepositoryTask: (input) => this.createTask(input),
    DescribeDataRepositoryTasks: (input) => this.describeTasks(input),
    CancelDataRepositoryTask: (input) => this.cancel(input),
    TagResource: (input) => this.tagResource(input),
    UntagResource: (input) => this.untagResource(input),
    ListTagsForResource: (input) => this.listTags(input),
  };

  constructor(world: World, buckets: Buckets, private readonly iam?: ServiceLinkedRoles, options: FsxOptions = {}) {
    super(world, buckets, options);
  }

  call(action: string, input: Input): unknown {
    if (!this.actions[action]) throw new NotModelled(`fsx:${action}`);
    this.advance();
    return this.actions[action](input);
  }

  // ---- file systems ----

  private createFileSystem(input: Input): unknown {
    const { world } = this;
    return this.once('CreateFileSystem', input, () => {
      const settings = fileSystemSettings(world, input);
      checkQuota(settings, this.living(), this.quota);
      const { shortage } = this;
      this.shortage = undefined;
      if (shortage !== undefined && reading(world, 'capacityShortage', 'lifecycleFailed') === 'badRequest') throw bad(shortage); // A9.3
      const fileSystem = new FileSystem(world, settings, {
        files: this.newFiles(),
        buckets: this.buckets,
        durations: { ...this.durations },
        pace: this.pace,
        exportFails: (path) => this.exportFailure(path),
        associationAvailable: (association) => this.importOnCreate(fileSystem, association),
      });
      setTags(fileSystem.tags, input.Tags);
      this.fileSystems.set(fileSystem.id, fileSystem);
      world.clock.after(fileSystem.durations.create, () => shortage === undefined ? fileSystem.becomeAvailable() : fileSystem.fail(shortage));
      this.scanForEver(fileSystem);
      return { fileSystem, answer: () => ({ FileSystem: describeFileSystem(fileSystem) }) };
    });
  }

  private describeFileSystems(input: Input): unknown {
    onlyModelled('fsx:DescribeFileSystems', input, ['FileSystemIds', 'MaxResults', 'NextToken']);
    const late = reading(this.world, 'createdFileSystem', 'visibleAtOnce') === 'visibleLate'; // A7.1
    const visible = (each: FileSystem) => !late || this.world.clock.now() >= each.created + each.durations.visible;
    const found = input.FileSystemIds?.length > 0 ? input.FileSystemIds.map((id: string) => this.known(id)) : this.living().filter(visible);
    const hidden = found.find((each: FileSystem) => !visible(each));
    if (hidden) throw new AwsError('FileSystemNotFound', `File system '${hidden.id}' does not exist.`);
    const { items, NextToken } = page<FileSystem>(found, Math.min(input.MaxResults ?? MAX_PAGE, this.pageSize), input.NextToken);
    return { FileSystems: items.map(describeFileSystem), NextToken };
  }

  private deleteFileSystem(input: Input): unknown {
    onlyModelled('fsx:DeleteFileSystem', input, ['FileSystemId', 'ClientRequestToken', 'LustreConfiguration']);
    onlyModelled('fsx:DeleteFileSystem.LustreConfiguration', input.LustreConfiguration ?? {}, ['SkipFinalBackup']);
    if (input.LustreConfiguration?.SkipFinalBackup === false) throw bad('a file system that is linked to S3 cannot be backed up'); // A7.1
    const fileSystem = this.known(input.FileSystemId);
    const answer = () => ({ FileSystemId: fileSystem.id, Lifecycle: fileSystem.lifecycle });
    return this.once('DeleteFileSystem', input, () => {
      this.checkDeletable(fileSystem);
      if (fileSystem.lifecycle !== 'DELETING') {
        fileSystem.delete();
        this.world.clock.after(fileSystem.durations.delete, () => this.gone(fileSystem));
      }
      return { fileSystem, answer };
    });
  }

  private checkDeletable({ id, lifecycle }: FileSystem): void {
    const blocks = (task: DataRepositoryTask) => task.type === 'EXPORT_TO_REPOSITORY' || reading(this.world, 'importTaskBlocksDelete', 'yes') === 'yes'; // A4.6
    if (this.tasks.some((task) => task.fileSystem.id === id && task.live && blocks(task))) throw bad(`a data repository task of ${id} is running`); // A7.2
    if (lifecycle === 'CREATING' && reading(this.world, 'deleteWhileCreating', 'accepted') === 'refused') throw bad(`${id} is being created`);
    if (lifecycle === 'DELETING' && reading(this.world, 'secondDelete', 'accepted') === 'refused') throw bad(`${id} is being deleted`);
  }

  private gone(fileSystem: FileSystem): void {
    fileSystem.leave();
    for (const [token, { fileSystem: owner }] of this.tokens) if (owner === fileSystem) this.tokens.delete(token);
    if (reading(this.world, 'dataSourceRole', 'left') === 'deleted') this.iam?.serviceLinkedRoles.delete(roleName(fileSystem)); // A4.11
  }

  // ---- associations ----

  private createAssociation(input: Input): unknown {
    const fileSystem = this.known(input.FileSystemId);
    return this.once('CreateDataRepositoryAssociation', input, () => {
      if (!['CREATING', 'AVAILABLE', 'UPDATING'].includes(fileSystem.lifecycle)) throw bad(`${fileSystem.id} is ${fileSystem.lifecycle}`);
      const association = fileSystem.link(associationSettings(input, fileSystem, `dra-${this.world.id(17)}`));
      setTags(association.tags, input.Tags);
      this.iam?.createServiceLinkedRole({ roleName: roleName(fileSystem), createdBy: 'fsx', inUse: () => !fileSystem.gone }); // A4.11
      return { fileSystem, answer: () => ({ Association: describeAssociation(fileSystem, association) }) };
    });
  }

  private describeAssociations(input: Input): unknown {
    onlyModelled('fsx:DescribeDataRepositoryAssociations', input, ['AssociationIds', 'Filters', 'MaxResults', 'NextToken']);
    const filters = namedFilters(input.Filters, ['file-system-id', 'data-repository-type']);
    const goneIsError = reading(this.world, 'associationsOfGoneFileSystem', 'none') === 'notFound';
    if (goneIsError) filters.get('file-system-id')?.forEach((id) => this.known(id));
    const all = this.living().flatMap((fileSystem) => fileSystem.associations.map((association) => ({ fileSystem, association })));
    for (const id of input.AssociationIds ?? []) {
      if (!all.some(({ association }) => association.settings.id === id)) {
        throw new AwsError('DataRepositoryAssociationNotFound', `Association '${id}' does not exist.`);
      }
    }
    const found = all.filter(({ fileSystem, association }) => (input.AssociationIds?.includes(association.settings.id) ?? true)
      && (filters.get('file-system-id')?.includes(fileSystem.id) ?? true) && (filters.get('data-repository-type')?.includes('S3') ?? true));
    if (input.MaxResults > MAX_ASSOCIATIONS_A_PAGE) throw bad(`MaxResults ${input.MaxResults} is not in 1-${MAX_ASSOCIATIONS_A_PAGE}`);
    const size = Math.min(input.MaxResults ?? MAX_ASSOCIATIONS_A_PAGE, this.pageSize);
    const { items, NextToken } = page(found, size, input.NextToken);
    return { Associations: items.map(({ fileSystem, association }) => describeAssociation(fileSystem, association)), NextToken };
  }

  private updateAssociation(input: Input): unknown {
    onlyModelled('fsx:UpdateDataRepositoryAssociation', input, ['AssociationId', 'ClientRequestToken', 'ImportedFileChunkSize', 'S3']);
    const owner = this.living().find(({ associations }) => associations.some(({ settings }) => settings.id === input.AssociationId));
    const association = owner?.associations.find(({ settings }) => settings.id === input.AssociationId);
    if (!owner || !association) throw new AwsError('DataRepositoryAssociationNotFound', `Association '${input.AssociationId}' does not exist.`);
    return this.once('UpdateDataRepositoryAssociation', input, () => {
      const { exportEvents, importEvents } = policies(input.S3);
      const exports = this.tasks.some((task) => task.fileSystem === owner && task.live && task.type === 'EXPORT_TO_REPOSITORY');
      if (exports && exportEvents?.length && reading(this.world, 'autoExportDuringTask', 'accepted') === 'refused') { // A8.6
        throw bad('automatic export and export tasks cannot be used simultaneously');
      }
      const clears = input.S3 !== undefined && exportEvents === undefined && reading(this.world, 'omittedExportPolicy', 'unchanged') === 'cleared'; // A6.2
      association.update({ exportEvents: clears ? null : exportEvents, importEvents, importedFileChunkSize: chunkSize(input.ImportedFileChunkSize) });
      return { fileSystem: owner, answer: () => ({ Association: describeAssociation(owner, association) }) };
    });
  }

  // ---- data repository tasks ----

  private createTask(input: Input): unknown {
    const fileSystem = this.known(input.FileSystemId);
    return this.once('CreateDataRepositoryTask', input, () => {
      taskRequest(this.world, input, fileSystem);
      if (this.tasks.some((task) => task.fileSystem === fileSystem && task.live)) { // A8.1
        throw new AwsError('DataRepositoryTaskExecuting', 'An existing data repository task is currently executing on the file system');
      }
      const task = this.begin(fileSystem, { type: 'EXPORT_TO_REPOSITORY', report: input.Report, paths: input.Paths }, this.taskFailures.shift());
      setTags(task.tags, input.Tags);
      return { fileSystem, answer: () => ({ DataRepositoryTask: task.describe() }) };
    });
  }

  private describeTasks(input: Input): unknown {
    onlyModelled('fsx:DescribeDataRepositoryTasks', input, ['TaskIds', 'Filters', 'MaxResults', 'NextToken']);
    const filters = namedFilters(input.Filters, ['file-system-id', 'task-lifecycle', 'data-repository-association-id']);
    const known = this.tasks.filter(({ forgotten }) => !forgotten);
    const unknown = input.TaskIds?.find((id: string) => !known.some((task) => task.id === id));
    if (unknown) throw new AwsError('DataRepositoryTaskNotFound', `Task '${unknown}' does not exist.`);
    const links = ({ fileSystem: { associations } }: DataRepositoryTask, id: string) => associations.some(({ settings }) => settings.id === id);
    const found = known.filter((task) => (input.TaskIds?.includes(task.id) ?? true)
      && (filters.get('file-system-id')?.includes(task.fileSystem.id) ?? true) && (filters.get('task-lifecycle')?.includes(task.lifecycle) ?? true)
      && (filters.get('data-repository-association-id')?.some((id) => links(task, id)) ?? true));
    const { items, NextToken } = page(found, Math.min(input.MaxResults ?? MAX_PAGE, this.pageSize), input.NextToken);
    return { DataRepositoryTasks: items.map((task) => task.describe()), NextToken };
  }

  private cancel(input: Input): unknown {
    onlyModelled('fsx:CancelDataRepositoryTask', input, ['TaskId']);
    const task = this.tasks.find(({ id, forgotten }) => id === input.TaskId && !forgotten);
    if (!task) throw new AwsError('DataRepositoryTaskNotFound', `Task '${input.TaskId}' does not exist.`);
    if (!task.live) throw new AwsError('DataRepositoryTaskEnded', `Task '${task.id}' has ended.`); // A8.8
    task.cancel();
    return { TaskId: task.id, Lifecycle: task.lifecycle };
  }

  /** Known objects appear on the file system by a task of their own (A4.6). */
  private importOnCreate(fileSystem: FileSystem, association: Association): void {
    if (!association.settings.batchImport) return;
    this.begin(fileSystem, { type: 'IMPORT_METADATA_FROM_REPOSITORY', report: { Enabled: false }, association });
  }

  private begin(fileSystem: FileSystem, request: TaskRequest, failure?: string): DataRepositoryTask {
    const task = new DataRepositoryTask(this.world, fileSystem, request, {
      failure,
      pace: this.taskPace,
      bucketOf: ({ bucketName }) => this.buckets.get(bucketName),
      reportFails: (path) => this.reportFailure(path),
    });
    this.tasks.push(task);
    return task;
  }

  // ---- tags ----

  private tagResource(input: Input): unknown {
    onlyModelled('fsx:TagResource', input, ['ResourceARN', 'Tags']);
    const tags = this.tagsOf(input.ResourceARN);
    checkTags(input.Tags, [...tags.keys()].filter((key) => !input.Tags.some(({ Key }: { Key: string }) => Key === key)).length);
    setTags(tags, input.Tags);
    return {};
  }

  private untagResource(input: Input): unknown {
    onlyModelled('fsx:UntagResource', input, ['ResourceARN', 'TagKeys']);
    const tags = this.tagsOf(input.ResourceARN);
    for (const key of input.TagKeys) tags.delete(key);
    return {};
  }

  private listTags(input: Input): unknown {
    onlyModelled('fsx:ListTagsForResource', input, ['ResourceARN', 'MaxResults', 'NextToken']);
    const all = [...this.tagsOf(input.ResourceARN)].map(([Key, Value]) => ({ Key, Value }));
    const { items, NextToken } = page(all, Math.min(input.MaxResults ?? MAX_PAGE, this.pageSize), input.NextToken);
    return { Tags: items, NextToken };
  }

  private tagsOf(arn: string): Map<string, string> {
    const resources = [...this.living().flatMap((each) => [each, ...each.associations.map((association) => ({
      arn: each.arnOf(association), tags: association.tags,
    }))]), ...this.tasks];
    const found = resources.find((each) => each.arn === arn);
    if (!found) throw new AwsError('ResourceNotFound', `The resource '${arn}' does not exist.`);
    return found.tags;
  }

  /** The same token with the same parameters gives the same answer again, with others an error (A2.9). */
  private once(action: string, input: Input, act: () => { fileSystem: FileSystem; answer: () => unknown }): unknown {
    const { ClientRequestToken, ...rest } = input;
    const token = `${action} ${ClientRequestToken}`;
    const parameters = canonical(rest);
    const before = ClientRequestToken === undefined ? undefined : this.tokens.get(token);
    if (before && before.parameters !== parameters) {
      throw new AwsError('IncompatibleParameterError', 'A request with the same ClientRequestToken but other parameters was made before');
    }
    if (before) return before.answer();
    const done = act();
    if (ClientRequestToken !== undefined) this.tokens.set(token, { parameters, ...done });
    return done.answer();
  }
}

function roleName(fileSystem: FileSystem): string {
  return `AWSServiceRoleForFSxS3Access_${fileSystem.id}`; // A4.11
}

function setTags(target: Map<string, string>, tags: Tags = []): void {
  for (const { Key, Value } of tags) target.set(Key, Value);
}

function namedFilters(filters: { Name: string; Values: string[] }[] = [], names: string[]): Map<string, string[]> {
  const unknown = filters.find(({ Name }) => !names.includes(Name));
  if (unknown) throw new NotModelled(`filter ${unknown.Name}`);
  return new Map(filters.map(({ Name, Values }) => [Name, Values]));
}
