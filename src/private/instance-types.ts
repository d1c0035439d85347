import { Token } from 'aws-cdk-lib/core';

export type Architecture = 'x86_64' | 'arm64';

/** Names that stand for several families (D4.4). */
const BUNDLES: { [name: string]: Architecture } = { optimal: 'x86_64', default_x86_64: 'x86_64', default_arm64: 'arm64' };

/** Family, generation and attributes, and size: `c6gn.large` is `c`, `6`, `gn`, `large`. */
const NAME = /^([a-z]+)(\d+)([a-z-]*)(\.[a-z0-9-]+)?$/;

/** The architecture of an instance type, a family or a bundle; undefined where the name does not tell. */
export function architectureOf(instanceType: string): Architecture | undefined {
  if (Token.isUnresolved(instanceType)) return undefined;
  if (instanceType in BUNDLES) return BUNDLES[instanceType];
  const [, family, generation, attributes] = NAME.exec(instanceType) ?? [];
  if (!family) return undefined;
  // Graviton: a1, and every family with a g straight after its generation (m6g, c7gn, im4gn, is4gen)
  return `${family}${generation}` === 'a1' || attributes.startsWith('g') ? 'arm64' : 'x86_64';
}

/** What is wrong with a list of instance types; undefined if nothing is. */
export function instanceTypesProblem(instanceTypes: string[]): string | undefined {
  if (instanceTypes.length === 0) return 'must not be empty; use [\'optimal\'] or [\'default_arm64\'] to let AWS Batch choose';
  const known = instanceTypes.filter((name) => !Token.isUnresolved(name));
  const a1 = known.find((name) => /^a1(\.|$)/.test(name));
  if (a1) return `must not hold ${a1}: Amazon Linux 2023 does not run on A1 (D4.1); use a later Graviton family, such as m6g`;
  const arm = known.filter((name) => architectureOf(name) === 'arm64');
  const x86 = known.filter((name) => architectureOf(name) === 'x86_64');
  if (arm.length > 0 && x86.length > 0) {
    return `must share one architecture, but ${arm.join(', ')} is Arm and ${x86.join(', ')} is x86; `
      + 'make two environments, or use \'default_arm64\' in place of \'optimal\'';
  }
  return undefined;
}
