/** What the workers share of their breakers. */
import type { BreakerState } from './breaker.ts';
import type { RateStore } from './failure-rates.ts';

export interface StoredBreaker {
  readonly name: string;
  readonly state: BreakerState;
}

export interface BreakerStore extends RateStore {
  all(): readonly StoredBreaker[];
  /** @returns false when another process had brought it into that state already */
  put(row: StoredBreaker): boolean;
  /** @returns how many in a row all processes counted; undefined when that cannot be asked */
  addFailure(name: string): number | undefined;
  /** Ends the row. */
  clearFailures(name: string): void;
  /** Names for which there is a row. */
  failing(): readonly string[];
  /** @returns what gives the trial back; undefined while another attempt has it */
  takeTrial(name: string): (() => void) | undefined;
}
