import { DescribeImagesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { isAccessDenied, permissionFinding } from './aws-errors';
import type { PreflightContext } from './preflight';

const ecr = new ECRClient({});

export interface EcrImage {
  readonly account: string;
  readonly region: string;
  readonly repository: string;
  /** What is behind the `@`, else behind the `:`. */
  readonly id: { readonly imageDigest: string } | { readonly imageTag: string };
}

/** The parts of an image URI in ECR, of any partition; undefined where the image is from elsewhere. */
export function parseEcrImage(uri: string): EcrImage | undefined {
  const [, account, region, path] = /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+\/(.+)$/.exec(uri) ?? [];
  if (!path) return undefined;
  const [named, digest] = path.split('@', 2);
  const [repository, tag] = named.split(':', 2);
  return { account, region, repository, id: digest ? { imageDigest: digest } : { imageTag: tag ?? 'latest' } };
}

/** The image exists, where it is in ECR of this account and region; elsewhere nobody can look without credentials of that place. */
export async function checkContainerImage({ run, values, sources }: PreflightContext): Promise<string[]> {
  const uri = values.jobDefinitionContainerImage;
  const image = uri === undefined ? undefined : parseEcrImage(uri);
  const [, , , region, account] = run.executionArn.split(':');
  if (!image || image.account !== account || image.region !== region) return [];

  const field = `jobDefinitionContainerImage (${sources.jobDefinitionContainerImage})`;
  try {
    await ecr.send(new DescribeImagesCommand({ registryId: account, repositoryName: image.repository, imageIds: [image.id] }));
    return [];
  } catch (error) {
    switch ((error as Error).name) {
      case 'ImageNotFoundException':
        return ['imageDigest' in image.id
          ? `${field}: repository ${image.repository} holds no image with the digest of ${uri}; use a digest or tag that is there`
          : `${field}: repository ${image.repository} holds no image tagged ${image.id.imageTag}; build it and run: docker push ${uri}`];
      case 'RepositoryNotFoundException':
        return [`${field}: repository ${image.repository} does not exist in ${region}; run: aws ecr create-repository --repository-name `
          + `${image.repository} --region ${region}, then: docker push ${uri}`];
      case 'InvalidParameterException':
        return [`${field}: ${uri} is no valid image name; use repository:tag or repository@sha256:digest`];
    }
    if (isAccessDenied(error)) return [permissionFinding(`${field} ${uri}`, 'ecr:DescribeImages')];
    throw error;
  }
}
