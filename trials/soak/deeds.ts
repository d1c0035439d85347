import { Deed } from './schedule';
import { LocalEngine } from '../../local/engine';

/** The newest file system that still exists; deeds on what is not there are not done. */
const newest = ({ models: { fsx } }: LocalEngine) => fsx.living().filter(({ lifecycle }) => lifecycle !== 'DELETING').at(-1);

const association = (engine: LocalEngine) => newest(engine)?.associations[0];

const onAssociation = (act: (engine: LocalEngine, fileSystemId: string) => void) => (engine: LocalEngine) => {
  const found = newest(engine);
  if (found && found.associations.length > 0) act(engine, found.id);
};

/** As a user with administrator's rights would; what the service refuses is not done. */
function byHand(engine: LocalEngine, service: string, action: string, input: object): void {
  try {
    engine.models.services[service].call(action, input);
  } catch {
    // refused
  }
}

export const DEEDS: Record<Deed, (engine: LocalEngine) => void> = {
  associationMisconfigured: onAssociation(({ models }, id) => models.fsx.misconfigureAssociation(undefined, id)),
  associationMended: onAssociation(({ models }, id) => models.fsx.mendAssociation(id)),
  associationFailed: onAssociation(({ models }, id) => models.fsx.failAssociation(undefined, id)),
  fileSystemFailed: (engine) => {
    const found = newest(engine);
    if (found) engine.models.fsx.failFileSystem(undefined, found.id);
  },
  creationFails: ({ models }) => models.fsx.failNextCreation(),
  noCapacity: ({ models }) => models.batch.noCapacity(),
  capacity: ({ models }) => models.batch.noCapacity(0),
  reclaim: ({ models: { batch } }) => {
    for (const { instance } of batch.containerHosts.filter((each) => each.instance.alive)) batch.reclaim(instance.id);
  },
  cancelTask: (engine) => {
    const { DataRepositoryTasks: tasks = [] } = engine.models.services.fsx.call('DescribeDataRepositoryTasks', {}) as any;
    const live = tasks.filter(({ Lifecycle, Type }: any) => ['PENDING', 'EXECUTING'].includes(Lifecycle) && Type === 'EXPORT_TO_REPOSITORY');
    for (const { TaskId } of live) byHand(engine, 'fsx', 'CancelDataRepositoryTask', { TaskId });
  },
  automaticExportOn: (engine) => {
    const S3 = { AutoExportPolicy: { Events: ['NEW', 'CHANGED', 'DELETED'] } };
    byHand(engine, 'fsx', 'UpdateDataRepositoryAssociation', { AssociationId: association(engine)?.settings.id, S3 });
  },
  automaticExportOff: (engine) => {
    const S3 = { AutoExportPolicy: { Events: [] } };
    byHand(engine, 'fsx', 'UpdateDataRepositoryAssociation', { AssociationId: association(engine)?.settings.id, S3 });
  },
  exportsDenied: ({ models }) => models.fsx.failExports(/./, 'AccessDenied'),
  exportsBusy: ({ models }) => models.fsx.failExports(/[ab]/, 'ResourceBusy'),
  exportsFail: ({ models }) => models.fsx.failExports(/[ab]/, 'InternalError'),
  exportsMended: ({ models }) => models.fsx.mendExports(),
  abort: ({ models }) => models.stepFunctions.executions.forEach((each) => each.status === 'RUNNING' && each.abort()),
  timeOut: ({ models }) => models.stepFunctions.executions.forEach((each) => each.status === 'RUNNING' && each.timeOut()),
};

/** Whatever AWS or somebody broke works again; what is FAILED stays so (A3.2). */
export function liftAll(engine: LocalEngine): void {
  for (const deed of ['capacity', 'exportsMended'] as const) DEEDS[deed](engine);
  engine.models.cloudWatch.mend();
  for (const { id, associations, lifecycle } of engine.models.fsx.living()) {
    if (associations.length > 0 && lifecycle !== 'DELETING') engine.models.fsx.mendAssociation(id);
  }
}
