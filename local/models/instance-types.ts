/** The instance types that the EC2 model knows, from the public EC2 instance type pages. */
export interface InstanceType {
  readonly name: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly vcpus: number;
  readonly memoryMiB: number;
}

const SIZES: Record<string, number> = {
  'medium': 1,
  'large': 2,
  'xlarge': 4,
  '2xlarge': 8,
  '4xlarge': 16,
  '8xlarge': 32,
  '9xlarge': 36,
  '12xlarge': 48,
  '16xlarge': 64,
  '18xlarge': 72,
  '24xlarge': 96,
  '32xlarge': 128,
  '48xlarge': 192,
};
const UP_TO_4XLARGE = ['large', 'xlarge', '2xlarge', '4xlarge'];
const GENERATIONS: { generation: string; architecture: InstanceType['architecture']; sizes: (kind: string) => string[] }[] = [
  {
    generation: '5',
    architecture: 'x86_64',
    sizes: (kind) => kind === 'c'
      ? ['large', 'xlarge', '2xlarge', '4xlarge', '9xlarge', '12xlarge', '18xlarge', '24xlarge']
      : [...UP_TO_4XLARGE, '8xlarge', '12xlarge', '16xlarge', '24xlarge'],
  },
  { generation: '6i', architecture: 'x86_64', sizes: () => [...UP_TO_4XLARGE, '8xlarge', '12xlarge', '16xlarge', '24xlarge', '32xlarge'] },
  { generation: '7i', architecture: 'x86_64', sizes: () => [...UP_TO_4XLARGE, '8xlarge', '12xlarge', '16xlarge', '24xlarge', '48xlarge'] },
  { generation: '6g', architecture: 'arm64', sizes: () => ['medium', ...UP_TO_4XLARGE, '8xlarge', '12xlarge', '16xlarge'] },
  { generation: '7g', architecture: 'arm64', sizes: () => ['medium', ...UP_TO_4XLARGE, '8xlarge', '12xlarge', '16xlarge'] },
];
const GIB_PER_VCPU: Record<string, number> = { m: 4, c: 2, r: 8 };

export const INSTANCE_TYPES: InstanceType[] = GENERATIONS.flatMap(({ generation, architecture, sizes }) =>
  Object.entries(GIB_PER_VCPU).flatMap(([kind, gib]) => sizes(kind).map((size) => {
    return { name: `${kind}${generation}.${size}`, architecture, vcpus: SIZES[size], memoryMiB: SIZES[size] * gib * 1024 };
  })));

/** What the names stand for that only Batch knows (D4.4). */
const BATCH_FAMILIES: Record<string, string[]> = {
  optimal: ['m6i', 'c6i', 'r6i', 'c7i'],
  default_x86_64: ['m6i', 'c6i', 'r6i', 'c7i'],
  default_arm64: ['m6g', 'c6g', 'r6g', 'c7g'],
};

/** The types that a compute environment may start: each entry is a type, a family, or one of Batch's own names. */
export function allowedTypes(entries: string[]): InstanceType[] {
  const families = entries.flatMap((entry) => BATCH_FAMILIES[entry] ?? [entry]);
  return INSTANCE_TYPES.filter(({ name }) => families.includes(name) || families.includes(name.split('.')[0]));
}
