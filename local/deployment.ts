import { readdirSync, readFileSync } from 'fs';
import * as path from 'path';
import { HostAnswers } from './host/boot';
import { hostBoot } from './host-boot';
import { BatchModel } from './models/batch';
import { Bucket, Buckets } from './models/bucket';
import { CloudWatchModel } from './models/cloudwatch';
import { DynamoDbModel } from './models/dynamodb';
import { Ec2Model } from './models/ec2';
import { EcrModel } from './models/ecr';
import { EcsModel } from './models/ecs';
import { FsxModel } from './models/fsx';
import { FsxOptions } from './models/fsx-state';
import { IamModel } from './models/iam';
import { JobScript } from './models/job-script';
import { S3Model } from './models/s3';
import { SecretsManagerModel } from './models/secrets-manager';
import { StepFunctionsModel } from './models/step-functions';
import { Template } from './template';
import { ServiceModel, World } from './world';

export interface DeploymentOptions {
  /** What a container does in one attempt. */
  readonly job: JobScript;
  /** Buckets that exist besides the template's. */
  readonly buckets?: string[];
  /** What hosts meet while they boot. */
  readonly host?: HostAnswers;
  /** Real files instead of those in memory. */
  readonly fsx?: FsxOptions;
  readonly bucketDirectory?: (bucket: string) => string;
}

export type Deployment = ReturnType<typeof deploy>;

/** The models, with what the template creates in them. */
export function deploy(world: World, template: Template, options: DeploymentOptions & { readonly assets: string }) {
  const buckets = new Buckets();
  for (const name of [...template.ofType('AWS::S3::Bucket').map((each) => each.physicalId), ...options.buckets ?? []]) {
    buckets.add(new Bucket(name, () => world.clock.now(), options.bucketDirectory?.(name)));
  }
  const iam = new IamModel(world);
  const s3 = new S3Model(buckets);
  const fsx = new FsxModel(world, buckets, iam, options.fsx);
  const ec2 = new Ec2Model(world, hostBoot(world, fsx, options.host), fsx);
  const ecr = new EcrModel(world);
  const batch = new BatchModel(world, ec2, ecr, options.job);
  const ecs = new EcsModel(world, batch);
  const secrets = new SecretsManagerModel(world);
  const cloudWatch = new CloudWatchModel(world, fsx);
  const dynamodb = new DynamoDbModel(world);
  const stepFunctions = new StepFunctionsModel(world);
  // EC2 before Batch: an environment resolves its launch template when it is created (D1.5)
  const all: ServiceModel[] = [iam, s3, fsx, ec2, ecr, batch, ecs, secrets, cloudWatch, dynamodb, stepFunctions];
  for (const model of all) model.load?.(template.resources);
  for (const { repository, tag } of builtImages(options.assets, world)) ecr.push(repository, tag);
  /** Each by the name of its SDK client. */
  const services = Object.fromEntries(all.map((model) => [model.service, model]));
  return { iam, s3, fsx, ec2, ecr, batch, ecs, secrets, cloudWatch, dynamodb, stepFunctions, buckets, services };
}

/** Images that `cdk deploy` would have built and pushed. */
function builtImages(assets: string, { account, region, partition }: World): { repository: string; tag: string }[] {
  const place = (text: string) => text
    .replace(/\$\{AWS::AccountId\}/g, account).replace(/\$\{AWS::Region\}/g, region).replace(/\$\{AWS::Partition\}/g, partition);
  const manifests = assets === '' ? [] : readdirSync(assets).filter((file) => file.endsWith('.assets.json'));
  const images = manifests.flatMap((file) => Object.values<any>(JSON.parse(readFileSync(path.join(assets, file), 'utf8')).dockerImages ?? {}));
  return images.flatMap(({ destinations }) => Object.values<any>(destinations)
    .map(({ repositoryName, imageTag }) => ({ repository: place(repositoryName), tag: imageTag })));
}
