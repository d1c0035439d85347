import { DemoRun } from './demo-run';

/** How many times faster than real time the demo's world goes. */
export const SCALE = 60;

export const engineRun: DemoRun = async () => {
  throw new Error('the engine is not connected yet');
};
