/** Whether everything is tried (`npm run test:exhaustive`, and CI), or a part of it that keeps the suite under a minute. */
export const EXHAUSTIVE = process.env.EXHAUSTIVE !== undefined;

/** All of them, or every eighth. */
export const sample = <T>(all: Iterable<T>): T[] => [...all].filter((_, i) => EXHAUSTIVE || i % 8 === 0);

/** All of them, or every twentieth. */
export const rareSample = <T>(all: Iterable<T>): T[] => [...all].filter((_, i) => EXHAUSTIVE || i % 20 === 0);

/** All of them, or every other one. */
export const half = <T>(all: Iterable<T>): T[] => [...all].filter((_, i) => EXHAUSTIVE || i % 2 === 0);

/** What the exhaustive suite alone tries: its neighbours in the quick one show most of it. */
export const exhaustive: jest.It = EXHAUSTIVE ? test : test.skip;
