import type { AttemptDetail } from '@aws-sdk/client-batch';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeContainerInstancesCommand, ECSClient } from '@aws-sdk/client-ecs';

/**
 * Was the instance of an attempt that ended by a signal taken away by EC2? An instance that nobody knows any more
 * counts as taken away: the attempts bound what that can cost.
 */
export async function wasReclaimed(ecs: ECSClient, ec2: EC2Client, attempt: AttemptDetail): Promise<boolean> {
  const arn = attempt.container?.containerInstanceArn;
  if (!arn) return false;
  const cluster = arn.split('/').at(-2); // arn:PARTITION:ecs:REGION:ACCOUNT:container-instance/CLUSTER/ID
  const { containerInstances = [] } = await ecs.send(new DescribeContainerInstancesCommand({ cluster, containerInstances: [arn] }));
  const instanceId = containerInstances[0]?.ec2InstanceId;
  if (!instanceId) return true;
  try {
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    const instance = Reservations[0]?.Instances?.[0];
    // EC2 API reference, StateReason: Server.SpotInstanceShutdown and Server.SpotInstanceTermination
    return !instance || (instance.StateReason?.Code ?? '').startsWith('Server.SpotInstance');
  } catch (error) {
    if ((error as Error).name === 'InvalidInstanceID.NotFound') return true;
    throw error;
  }
}
