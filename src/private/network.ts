import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Fn, Tags } from 'aws-cdk-lib/core';
import { Construct, IDependable } from 'constructs';
import { acknowledge } from './acknowledge';

/** Where the instances and the file systems of an environment are. */
export interface Network {
  readonly vpc: ec2.IVpc;
  /** Subnets of the instances; the first of them is the file system's. */
  readonly subnets: ec2.ISubnet[];
  /** What has to be there before an instance can reach anything. */
  readonly connectivity: IDependable[];
}

/** A brought network. Without a selection only one subnet is used: traffic between zones costs money (D4.8). */
export function selectNetwork(scope: Construct, vpc: ec2.IVpc, selection?: ec2.SubnetSelection): Network {
  const selected = vpc.selectSubnets(selection).subnets;
  const subnets = selection ? selected : selected.slice(0, 1);
  if (subnets.length === 0) {
    throw new Error(`vpcSubnets selects no subnet of ${vpc.node.path}; select at least one, the file system is in the first\n  at construct ${scope.node.path}`);
  }
  return { vpc, subnets, connectivity: subnets.map((subnet) => subnet.internetConnectivityEstablished) };
}

/**
 * The network of an environment that was given none: one zone, because a file system has one (A1.10), with one public
 * subnet. It costs nothing while no run is there. An instance has a public IPv4 address (about 0.005 USD per hour while
 * it runs) with which it reaches ECR, ECS and the package repositories; nothing reaches it from outside, because its
 * security group has no rule for that. A NAT gateway would cost about 33 USD a month, run or no run. Traffic with S3
 * goes through a gateway endpoint, which is free.
 *
 * Not made with `ec2.Vpc`: that looks up the zones of an account that it knows.
 */
export function createNetwork(scope: Construct): Network {
  const created = new ec2.CfnVPC(scope, 'Vpc', { cidrBlock: '10.0.0.0/16', enableDnsHostnames: true, enableDnsSupport: true });
  Tags.of(created).add('Name', created.node.path);
  acknowledge(created, 'AwsSolutions-VPC7', 'Nothing from outside reaches its instances, which live as long as a run and serve nobody. '
    + 'Flow logs would be billed for the traffic with the file systems, too: bring a VPC that has them where an account asks for them.');
  const gateway = new ec2.CfnInternetGateway(scope, 'InternetGateway');
  const attachment = new ec2.CfnVPCGatewayAttachment(scope, 'InternetAttachment', { vpcId: created.ref, internetGatewayId: gateway.ref });
  const availabilityZone = Fn.select(0, Fn.getAzs());
  const subnet = new ec2.PublicSubnet(scope, 'PublicSubnet', {
    vpcId: created.ref, availabilityZone, cidrBlock: '10.0.0.0/20', mapPublicIpOnLaunch: true,
  });
  subnet.addDefaultInternetRoute(gateway.ref, attachment);
  const vpc = ec2.Vpc.fromVpcAttributes(scope, 'Network', {
    vpcId: created.ref,
    vpcCidrBlock: created.attrCidrBlock,
    availabilityZones: [availabilityZone],
    publicSubnetIds: [subnet.subnetId],
    publicSubnetRouteTableIds: [subnet.routeTable.routeTableId],
  });
  vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
  return { vpc, subnets: vpc.publicSubnets, connectivity: [subnet.internetConnectivityEstablished] };
}
