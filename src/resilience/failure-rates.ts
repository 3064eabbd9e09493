/**
 * The rates of failures that breakers go by, kept together with the other workers. Owner: the board of breakers.
 *
 * A success writes nothing: each worker counts its own, and adds them up for the others when it sees a failure of that breaker, or
 * sees with its next look that another worker did. What cannot be shared is judged by what was seen here.
 */
import type { Breaker, BreakerLimits, Verdict } from './breaker.ts';
import {
  areOthersServed,
  doOthersFail,
  type FailureSource,
  failedKey,
  judgeRate,
  type Outcomes,
  okKey,
  servedKey,
} from './failure-rate.ts';

export interface RateStore {
  /** @param leftMs until it no longer counts */
  addOutcomes(name: string, outcomes: Outcomes, leftMs: number): void;
  /** Undefined when that cannot be asked. */
  outcomes(name: string): readonly Outcomes[] | undefined;
  clearOutcomes(name: string): void;
  /** Of which some worker counted a failure. */
  withFailures(): readonly string[];
}

const periodMs = 10_000;
const windowMs = 60_000;

export class FailureRates {
  readonly #store: RateStore;
  readonly #nowMs: () => number;

  constructor(store: RateStore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** @returns why it should open now, if it should */
  failed(name: string, breaker: Breaker, source: FailureSource, limits: BreakerLimits): Verdict | undefined {
    const nowMs = this.#nowMs();
    const period = Math.floor(nowMs / periodMs);
    this.#tell(name, breaker);
    this.#store.addOutcomes(name, { key: failedKey(period, source), count: 1 }, leftMs(period, nowMs));
    const outcomes = this.#store.outcomes(name);
    if (outcomes === undefined) return breaker.rate(limits);
    const served =
      breaker.hasServedOthers(source.owner, nowMs) || areOthersServed(outcomes, source.owner ?? '', period);
    return judgeRate(outcomes, limits, served);
  }

  /** Whether it fails for others than that owner, as far as any worker knows. */
  doOthersFail(name: string, { owner = '' }: FailureSource): boolean {
    return doOthersFail(this.#store.outcomes(name) ?? [], owner);
  }

  /** Whether any worker serves others than that owner, as far as it has told. */
  areOthersServed(name: string, { owner = '' }: FailureSource): boolean {
    return areOthersServed(this.#store.outcomes(name) ?? [], owner, Math.floor(this.#nowMs() / periodMs));
  }

  /** Adds what this worker knows to what others count. */
  sync(find: (name: string) => Breaker | undefined): void {
    for (const name of this.#store.withFailures()) {
      const breaker = find(name);
      if (breaker !== undefined) this.#tell(name, breaker);
    }
  }

  clear(name: string): void {
    this.#store.clearOutcomes(name);
  }

  #tell(name: string, breaker: Breaker): void {
    const nowMs = this.#nowMs();
    const untold = breaker.takeUntold(nowMs);
    if (untold.length === 0) return;
    for (const { period, count } of untold) {
      this.#store.addOutcomes(name, { key: okKey(period), count }, leftMs(period, nowMs));
    }
    for (const { owner, atMs } of breaker.served) {
      const period = Math.floor(atMs / periodMs);
      if (atMs + windowMs > nowMs)
        this.#store.addOutcomes(name, { key: servedKey(period, owner), count: 1 }, leftMs(period, nowMs));
    }
  }
}

function leftMs(period: number, nowMs: number): number {
  return Math.max(1, period * periodMs + windowMs - nowMs);
}
