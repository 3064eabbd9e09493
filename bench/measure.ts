/** What a measure gives, and what it is given. */
import type { ServerProcess } from './server-process.ts';
import type { Spread } from './statistics.ts';

export interface Result {
  readonly name: string;
  readonly measure: string;
  readonly bar: string;
  readonly value: string;
  readonly spread: string;
  readonly passed: boolean;
  /** What a reader must know to trust the value. */
  readonly notes: readonly string[];
  /** Everything behind the value, for the JSON report. */
  readonly data: object;
}

export interface Bench {
  readonly quick: boolean;
  /** @param env settings that this measure needs */
  startDeci(env?: Readonly<Record<string, string>>): Promise<ServerProcess>;
  startExpress(): Promise<ServerProcess>;
  startPassThrough(): Promise<ServerProcess>;
}

export type Measure = (bench: Bench) => Promise<Result[]>;

export function spreadText({ min, q1, q3, max }: Spread, digits: number): string {
  const text = (value: number): string => value.toFixed(digits);
  return `${text(min)}..${text(max)} [${text(q1)}..${text(q3)}]`;
}
