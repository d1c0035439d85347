import { AwsError, ServiceModel, World } from '../world';
import { ContainerHost } from './batch-job';
import { NotModelled, onlyModelled, reading } from './checks';

/** The container instances of Batch's own clusters. */
export class EcsModel implements ServiceModel {
  readonly service = 'ecs';

  constructor(private readonly world: World, private readonly batch: { readonly clusterNames: string[]; readonly containerHosts: ContainerHost[] }) {}

  call(action: string, input: Record<string, any>): unknown {
    if (action !== 'DescribeContainerInstances') throw new NotModelled(`ecs:${action}`);
    onlyModelled('ecs:DescribeContainerInstances', input, ['cluster', 'containerInstances']);
    const cluster = (input.cluster ?? 'default').split('/').pop();
    const inCluster = this.batch.containerHosts.filter(({ clusterName }) => clusterName === cluster);
    if (!this.batch.clusterNames.includes(cluster)) throw new AwsError('ClusterNotFoundException', 'Cluster not found.');
    const found: unknown[] = [];
    const failures: unknown[] = [];
    for (const id of input.containerInstances as string[]) {
      const host = inCluster.find(({ containerInstanceArn: arn }) => arn === id || arn.split('/').pop() === id);
      if (host?.instance.host?.agentStarts && (host.instance.alive || reading(this.world, 'endedContainerInstance', 'inactive') === 'inactive')) {
        found.push(describe(host));
      } else {
        failures.push({ arn: host?.containerInstanceArn ?? id, reason: 'MISSING' });
      }
    }
    return { containerInstances: found, failures };
  }
}

function describe({ containerInstanceArn, instance, job }: ContainerHost): unknown {
  return {
    containerInstanceArn,
    ec2InstanceId: instance.id,
    status: instance.alive ? 'ACTIVE' : 'INACTIVE',
    agentConnected: instance.alive,
    runningTasksCount: instance.alive && job ? 1 : 0,
    pendingTasksCount: 0,
    registeredAt: new Date(instance.launchedAt),
  };
}
