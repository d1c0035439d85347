import { AwsError, ServiceModel, World } from '../world';
import { NotModelled, onlyModelled } from './checks';

/** Seconds until a deletion task has done its work. The IAM guide names no time. [I] */
const DELETION_SECONDS = 5;

export interface ServiceLinkedRole {
  readonly roleName: string;
  /** Who had it made, e.g. `fsx`. */
  readonly createdBy: string;
  /** A deletion task fails while the service still uses the role. */
  readonly inUse: () => boolean;
}

export class IamModel implements ServiceModel {
  readonly service = 'iam';
  /** Ground truth: the service-linked roles that exist, by name. */
  readonly serviceLinkedRoles = new Map<string, ServiceLinkedRole>();

  constructor(private readonly world: World) {}

  /** For the models of services that make a role of their own (A4.11). */
  createServiceLinkedRole(role: ServiceLinkedRole): void {
    this.serviceLinkedRoles.set(role.roleName, role);
  }

  call(action: string, input: Record<string, any>): unknown {
    if (action !== 'DeleteServiceLinkedRole') throw new NotModelled(`iam:${action}`);
    onlyModelled('iam:DeleteServiceLinkedRole', input, ['RoleName']);
    const role = this.serviceLinkedRoles.get(input.RoleName);
    if (!role) throw new AwsError('NoSuchEntityException', `The role with name ${input.RoleName} cannot be found.`);
    this.world.clock.after(DELETION_SECONDS * 1000, () => {
      if (!role.inUse()) this.serviceLinkedRoles.delete(role.roleName);
    });
    return { DeletionTaskId: `task/aws-service-role/${role.roleName}/${this.world.id(32)}` };
  }
}
