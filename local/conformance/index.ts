export * from './batch-environment';
export * from './drain-monitor';
export * from './jest';
export * from './lifecycle';
export type { ConformanceOptions } from './rehearsal';
export * from './workload';
