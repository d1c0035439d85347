import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Size } from 'aws-cdk-lib/core';

/** What every launch template of an environment has, the base one and those of the runs. */
export function launchTemplateData(rootVolumeSize: Size): ec2.CfnLaunchTemplate.LaunchTemplateDataProperty {
  return {
    blockDeviceMappings: [{
      deviceName: '/dev/xvda', // the one volume of the ECS AL2023 image
      ebs: { volumeType: 'gp3', volumeSize: rootVolumeSize.toGibibytes(), encrypted: true, deleteOnTermination: true },
    }],
    // a container is one hop away from its host
    metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 2 },
    // an instance that gives up ends itself
    instanceInitiatedShutdownBehavior: 'terminate',
  };
}

/** The same in the case of the API: `{ ebs: { volumeSize } }` becomes `{ Ebs: { VolumeSize } }`. */
export function pascalCase(value: unknown): any {
  if (Array.isArray(value)) return value.map(pascalCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key[0].toUpperCase() + key.slice(1), pascalCase(each)]));
}
