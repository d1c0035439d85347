/** Time as everything in the engine sees it: models, interpreter and the bundled handlers. */
export interface Clock {
  /** Milliseconds since 1970 in the world's time. */
  now(): number;
  /** Calls back after so many milliseconds of the world's time. */
  after(milliseconds: number, callback: () => void): void;
  /**
   * Holds the virtual clock still while real work goes on (a child process), so that no virtual time passes
   * because the machine is slow. In scaled real time it changes nothing.
   */
  during<T>(work: Promise<T>): Promise<T>;
}
