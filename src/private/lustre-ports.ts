import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** Ports of Lustre between clients and servers, and among servers, each in both directions (C1). */
const LUSTRE_PORTS = [ec2.Port.tcp(988), ec2.Port.tcpRange(1018, 1023)];

/** The one range that holds them all: what a peer that comes later is let through. */
export const LUSTRE_PORT_RANGE = ec2.Port.tcpRange(988, 1023);

/** Lets the members of these security groups talk Lustre with one another. */
export function allowLustreWithin(connections: ec2.Connections): void {
  for (const group of connections.securityGroups) {
    for (const port of LUSTRE_PORTS) {
      group.addIngressRule(group, port, 'Lustre');
      // a group that lets everything out takes no rule for it, and would warn at every synth
      if (!group.allowAllOutbound) group.addEgressRule(group, port, 'Lustre');
    }
  }
}
