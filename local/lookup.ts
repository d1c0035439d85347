import { BatchModel } from './models/batch';
import { Buckets } from './models/bucket';
import { Ec2Model } from './models/ec2';
import { FsxModel } from './models/fsx';
import { Lookup } from './required-actions';
import { Template } from './template';
import { World } from './world';

interface Models {
  readonly fsx: FsxModel;
  readonly batch: BatchModel;
  readonly ec2: Ec2Model;
  readonly buckets: Buckets;
}

/** What IAM knows of the world's resources. */
export function lookup(world: World, template: Template, { fsx, batch, ec2, buckets }: Models): Lookup {
  const quiet = <T>(look: () => T): T | undefined => {
    try {
      return look();
    } catch {
      return undefined; // a resource that does not exist has no tags
    }
  };
  const tagsOf: [RegExp, (id: string, arn: string) => unknown][] = [
    [/:fsx:.*?:(?:file-system|association|task)\/(.+)$/, (_, arn) => (quiet(() => fsx.call('ListTagsForResource', { ResourceARN: arn })) as any)?.Tags],
    [/:batch:.*:job\/(.+)$/, (id) => (batch.call('DescribeJobs', { jobs: [id] }) as any).jobs[0]?.tags],
    [/:batch:.*:job-definition\/(.+)$/, (id) => (quiet(() => batch.call('DescribeJobDefinitions', { jobDefinitions: [id] })) as any)?.jobDefinitions?.[0]?.tags],
    [/:ec2:.*:launch-template\/(.+)$/, (id) => ec2.launchTemplates.find((each) => each.id === id)?.tags],
    [/:ec2:.*:instance\/(.+)$/, (id) => ec2.instances.find((each) => each.id === id)?.spec.tags],
  ];
  return {
    tags: (arn) => {
      for (const [pattern, tags] of tagsOf) {
        const found = pattern.exec(arn);
        const given = found && tags(found[1], arn);
        if (given) return plain(given);
      }
      return plain(template.resources.find((each) => each.arn === arn)?.properties.Tags);
    },
    vpcOf: (subnetId) => template.ofType('AWS::EC2::Subnet').find((each) => each.physicalId === subnetId)?.properties.VpcId,
    secret: (id) => {
      const arn = id.startsWith('arn:') ? id : `arn:${world.partition}:secretsmanager:${world.region}:${world.account}:secret:${id}-AbCdEf`;
      const found = template.ofType('AWS::SecretsManager::Secret').find((each) => each.physicalId === id || each.properties.Name === id);
      return { arn: found?.physicalId ?? arn, keyArn: found?.properties.KmsKeyId };
    },
    object: (bucketName, key) => {
      const bucket = template.ofType('AWS::S3::Bucket').find((each) => each.physicalId === bucketName);
      const [rule] = bucket?.properties.BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
      const keyId: string | undefined = rule?.ServerSideEncryptionByDefault?.KMSMasterKeyID;
      const keyArn = !keyId || keyId.startsWith('arn:') ? keyId : `arn:${world.partition}:kms:${world.region}:${world.account}:key/${keyId}`;
      return { exists: buckets.get(bucketName)?.get(key) !== undefined, keyArn };
    },
    launchTemplateId: (name) => ec2.launchTemplates.find((each) => each.name === name)?.id ?? '*',
    fileSystemOf: (id) => fsx.living().find(({ associations }) => associations.some(({ settings }) => settings.id === id))?.id ?? '*',
  };
}

function plain(tags: unknown): Record<string, string> {
  if (Array.isArray(tags)) return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
  if (tags instanceof Map) return Object.fromEntries(tags);
  return (tags ?? {}) as Record<string, string>;
}
