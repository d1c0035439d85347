import { AwsError, ResolvedResource, ServiceModel, World } from '../world';
import { NotModelled, onlyModelled } from './checks';

interface Image {
  readonly digest: string;
  readonly tags: string[];
  readonly pushedAt: Date;
}

export class EcrModel implements ServiceModel {
  readonly service = 'ecr';
  private readonly repositories = new Map<string, Image[]>();

  constructor(private readonly world: World) {}

  load(resources: ResolvedResource[]): void {
    for (const each of resources) {
      if (each.type === 'AWS::ECR::Repository') this.repositories.set(each.physicalId, this.repositories.get(each.physicalId) ?? []);
    }
  }

  /** Steering: an image appears under a tag; the repository is made where there is none yet. Gives its digest. */
  push(repositoryName: string, tag: string): string {
    const digest = `sha256:${this.world.id(64)}`;
    const others = (this.repositories.get(repositoryName) ?? []).map((image) => ({ ...image, tags: image.tags.filter((each) => each !== tag) }));
    this.repositories.set(repositoryName, [...others, { digest, tags: [tag], pushedAt: new Date(this.world.clock.now()) }]);
    return digest;
  }

  /** Whether an ECS agent could pull it. Images of other registries are always there. */
  canPull(uri: string): boolean {
    const [, account, name, tag, digest] = /^(\d{12})\.dkr\.ecr\.[^/]+\/([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(uri) ?? [];
    if (account !== this.world.account) return true;
    return (this.repositories.get(name) ?? []).some((image) => digest ? image.digest === digest : image.tags.includes(tag ?? 'latest'));
  }

  call(action: string, input: Record<string, any>): unknown {
    if (action !== 'DescribeImages') throw new NotModelled(`ecr:${action}`);
    onlyModelled('ecr:DescribeImages', input, ['registryId', 'repositoryName', 'imageIds']);
    const registryId = input.registryId ?? this.world.account;
    const images = registryId === this.world.account ? this.repositories.get(input.repositoryName) : undefined;
    if (!images) {
      const message = `The repository with name '${input.repositoryName}' does not exist in the registry with id '${registryId}'`;
      throw new AwsError('RepositoryNotFoundException', message);
    }
    const asked = (input.imageIds ?? images.map(({ digest }) => ({ imageDigest: digest }))) as { imageTag?: string; imageDigest?: string }[];
    const found = asked.map(({ imageTag, imageDigest }) => {
      const image = images.find((each) => (!imageTag || each.tags.includes(imageTag)) && (!imageDigest || each.digest === imageDigest));
      if (image) return image;
      const id = `{imageDigest:'${imageDigest ?? 'null'}', imageTag:'${imageTag ?? 'null'}'}`;
      throw new AwsError('ImageNotFoundException', `The image with imageId ${id} does not exist within the repository ` +
        `with name '${input.repositoryName}' in the registry with id '${registryId}'`);
    });
    return {
      imageDetails: found.map((image) => ({
        registryId,
        repositoryName: input.repositoryName,
        imageDigest: image.digest,
        imageTags: image.tags,
        imagePushedAt: image.pushedAt,
      })),
    };
  }
}
