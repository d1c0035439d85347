import { Duration, Size, Token } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

/** A problem in words, or undefined where there is none. */
export type Problem = string | undefined;

/** Throws one error with every problem of a construct's props. */
export function validate(scope: Construct, ...problems: Problem[]): void {
  const found = problems.filter((problem) => problem !== undefined);
  const place = scope.node.path && `\n  at construct ${scope.node.path}`; // an app has none
  if (found.length > 0) throw new Error(`${found.join('\n')}${place}`);
}

/** Checkers that let an absent prop and a token pass; each names the prop, the value got and what is allowed. */
export const check = {
  pattern(prop: string, value: string | undefined, allowed: RegExp, words: string): Problem {
    if (value === undefined || Token.isUnresolved(value) || allowed.test(value)) return undefined;
    return `${prop} is '${value}'; it must be ${words}`;
  },

  oneOf<T extends string | number>(prop: string, value: T | undefined, allowed: readonly T[], fix = ''): Problem {
    if (value === undefined || Token.isUnresolved(value) || allowed.includes(value)) return undefined;
    return `${prop} is ${value}; it must be ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}${fix && `; ${fix}`}`;
  },

  wholeNumber(prop: string, value: number | undefined, min: number, max: number): Problem {
    if (value === undefined || Token.isUnresolved(value) || (Number.isInteger(value) && value >= min && value <= max)) return undefined;
    return `${prop} is ${value}; it must be a whole number from ${min} to ${max}`;
  },

  // a token inside a Duration or Size must be asked for first: comparing one is silently true or false
  duration(prop: string, value: Duration | undefined, min: Duration, max: Duration): Problem {
    if (value === undefined || value.isUnresolved()) return undefined;
    const seconds = value.toMilliseconds() / 1000;
    if (Number.isInteger(seconds) && seconds >= min.toSeconds() && seconds <= max.toSeconds()) return undefined;
    return `${prop} is ${value.toHumanString()}; it must be whole seconds from ${min.toHumanString()} to ${max.toHumanString()}`;
  },

  resolvedDuration(prop: string, value: Duration | undefined): Problem {
    return value?.isUnresolved() ? `${prop} is a token; it must be known at synth, because the schedules of a run are computed from it` : undefined;
  },

  resolvedSize(prop: string, value: Size | undefined): Problem {
    return value?.isUnresolved() ? `${prop} is a token; it must be known at synth` : undefined;
  },

  /** A combination that cannot work. */
  impossible(when: boolean, words: string): Problem {
    return when ? words : undefined;
  },
};
