/** One data point on its way to being published. */
export interface MetricPoint {
  /** The full minute it is stamped with, in milliseconds since 1970. */
  readonly minute: number;
  readonly value: number;
  /** When it can be read. */
  readonly readableAt: number;
}

/** Changes the points of a metric, or takes them away. `truth` is undefined where there is none. */
export type MetricFault = (truth: MetricPoint | undefined, minute: number) => MetricPoint | undefined;

/** How the metric can mislead whoever reads it. Times are milliseconds since 1970. */
export class MetricFaults {
  /** Every point can be read so much later. */
  static late(milliseconds: number): MetricFault {
    return (truth) => truth && { ...truth, readableAt: truth.readableAt + milliseconds };
  }

  /** No points any more, e.g. in a maintenance window (B2). */
  static missing(from = 0, until = Infinity): MetricFault {
    return (truth, minute) => minute >= from && minute < until ? undefined : truth;
  }

  /** Every n-th point is missing. */
  static gaps(n: number): MetricFault {
    return (truth, minute) => (minute / 60_000) % n === 0 ? undefined : truth;
  }

  /** From then on every point repeats this value. */
  static frozen(value: number, from = 0): MetricFault {
    return (truth, minute) => truth && minute >= from ? { ...truth, value } : truth;
  }

  /** Zero, whatever waits. */
  static zero(from = 0): MetricFault {
    return MetricFaults.frozen(0, from);
  }

  /**
   * A curve with one reading a minute, as `measuredCurve` reads it. The n-th reading is the newest that can be read n minutes
   * after the beginning, so it is stamped a minute earlier (B5). After its end the last reading goes on.
   */
  static curve(readings: number[], from: number): MetricFault {
    return (truth, minute) => {
      const index = Math.floor((minute - from) / 60_000) + 1;
      return truth && index >= 0 ? { ...truth, value: readings[Math.min(index, readings.length - 1)] } : truth;
    };
  }
}

/** The readings of a file with the columns minute and age_seconds. */
export function measuredCurve(csv: string): number[] {
  return csv.split('\n').filter((line) => /^\d/.test(line)).map((line) => Number(line.split(',')[1]));
}
