import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './private/acknowledge';
import { NO_RESOURCE_TYPE } from './private/allow';

/**
 * The container image that a run's job uses unless its secret or its execution input names another.
 */
export class JobImage {
  /**
   * An image of any registry, by its URI. The instances of the queue have to be allowed to pull it.
   *
   * @param uri for example `public.ecr.aws/docker/library/busybox:1.36`
   */
  public static fromRegistry(uri: string): JobImage {
    return new JobImage(() => uri);
  }

  /**
   * An image of an ECR repository. Pushing an image under the tag is the user's part. A run checks that it is there.
   *
   * @param repository the repository
   * @param tagOrDigest tag, or digest with `sha256:` in front. Default `latest`
   */
  public static fromEcrRepository(repository: ecr.IRepository, tagOrDigest?: string): JobImage {
    return new JobImage(() => repository.repositoryUriForTagOrDigest(tagOrDigest ?? 'latest'), (grantee) => repository.grantPull(grantee));
  }

  /**
   * An image that `cdk deploy` builds from a Dockerfile and pushes to the bootstrap repository.
   *
   * @param directory folder with the Dockerfile
   * @param platform what the image is built for, whatever machine builds it. x86 (`Platform.LINUX_AMD64`) if it is not given
   */
  public static fromAsset(directory: string, platform?: assets.Platform): JobImage {
    let asset: assets.DockerImageAsset;
    return new JobImage(
      (scope) => (asset = new assets.DockerImageAsset(scope, 'Image', { directory, platform: platform ?? assets.Platform.LINUX_AMD64 })).imageUri,
      (grantee) => asset.repository.grantPull(grantee),
    );
  }

  private constructor(private readonly uri: (scope: Construct) => string, private readonly pull?: (grantee: iam.IGrantable) => void) {}

  /**
   * Creates under the scope what the image needs, and gives its URI. Called once by the construct that uses the image.
   *
   * @param scope the construct that uses the image
   */
  public bind(scope: Construct): string {
    return this.uri(scope);
  }

  /**
   * Lets somebody pull the image, once it is bound. Does nothing for images of other registries.
   *
   * @param grantee for example the role of the instances
   */
  public grantPull(grantee: iam.IGrantable): void {
    if (!this.pull) return;
    this.pull(grantee);
    const login = new iam.PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }); // part of what the CDK grants
    acknowledgeWildcards(grantee.grantPrincipal, [login], NO_RESOURCE_TYPE);
  }
}
