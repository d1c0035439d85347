/** Whether everything is tried (`npm run test:exhaustive`, and CI), or a part of it that keeps the suite under a minute. */
export const EXHAUSTIVE = process.env.EXHAUSTIVE !== undefined;

/** All of them, or every sixth. */
export const sample = <T>(all: Iterable<T>): T[] => [...all].filter((_, i) => EXHAUSTIVE || i % 6 === 0);

/** All of them, or every twelfth. */
export const rareSample = <T>(all: Iterable<T>): T[] => [...all].filter((_, i) => EXHAUSTIVE || i % 12 === 0);

/** What the exhaustive suite alone tries: its neighbours in the quick one show most of it. */
export const exhaustive: jest.It = EXHAUSTIVE ? test : test.skip;
