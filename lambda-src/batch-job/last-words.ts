import { DescribeInstancesCommand, EC2Client, GetConsoleOutputCommand } from '@aws-sdk/client-ec2';
import { CONSOLE_PREFIX } from '../../src/private/host-user-data';
import { RunTag } from '../../src/private/tags';

const MAX_INSTANCES = 3;

/**
 * What the last instances of a run said on their console before they ended. Best effort: it only explains an error, so
 * that nothing that fails here may hide it.
 */
export async function lastWords(ec2: EC2Client, runId: string): Promise<string> {
  try {
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: `tag:${RunTag.RUN_ID}`, Values: [runId] }] }));
    const instances = Reservations.flatMap((reservation) => reservation.Instances ?? [])
      .sort((a, b) => (b.LaunchTime?.getTime() ?? 0) - (a.LaunchTime?.getTime() ?? 0)).slice(0, MAX_INSTANCES);
    const said = await Promise.all(instances.map(async ({ InstanceId }) => {
      const { Output } = await ec2.send(new GetConsoleOutputCommand({ InstanceId }));
      const lines = Buffer.from(Output ?? '', 'base64').toString('utf8').split('\n').filter((line) => line.includes(CONSOLE_PREFIX));
      return lines.slice(-1).map((line) => `${InstanceId}: ${line.slice(line.indexOf(CONSOLE_PREFIX)).trim()}`);
    }));
    const words = said.flat();
    return words.length > 0 ? `. The last instances said: ${words.join(' | ')}` : `. ${instances.length} instances were found, none left a word on its console`;
  } catch (error) {
    return `. What the instances said could not be read: ${(error as Error).message}`;
  }
}
