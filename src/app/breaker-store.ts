/** Breakers in the hot store, for a board that goes on by itself when that cannot be asked. */
import type { BreakerState } from '../resilience/breaker.ts';
import { isFailedKey } from '../resilience/failure-rate.ts';
import type { BreakerStore } from '../resilience/shared-breakers.ts';
import type { SignsOfLife } from '../resilience/silence-watch.ts';
import { trialMs } from '../resilience/trials.ts';
import type { BreakerRow } from '../storage/breaker-repository.ts';
import { StoreError } from '../storage/store-error.ts';
import type { Spine } from './create-spine.ts';

/** As long as failures in a row are counted together. */
const failureWindowMs = 60_000;
const failurePrefix = 'breaker failures ';
/** Then the name of the breaker, a bar, and what is counted: no name of a host or a model has one. */
const outcomePrefix = 'breaker outcomes ';

export function createBreakerStore({
  breakers,
  leases,
  counters,
}: Pick<Spine, 'breakers' | 'leases' | 'counters'>): BreakerStore {
  return {
    all: () => orElse([], () => breakers.all().map(({ name, ...row }) => ({ name, state: stateOf(row) }))),
    put: ({ name, state }) => orElse(true, () => breakers.put({ name, ...rowOf(state) })),
    addFailure: name => orElse(undefined, () => counters.add(failurePrefix + name, 1, failureWindowMs)),
    clearFailures: name => orElse(undefined, () => counters.reset(failurePrefix + name)),
    failing: () => orElse([], () => counters.keys(failurePrefix).map(key => key.slice(failurePrefix.length))),
    addOutcomes: (name, { key, count }, leftMs) =>
      orElse(undefined, () => void counters.add(`${outcomePrefix}${name}|${key}`, count, leftMs)),
    outcomes: name =>
      orElse(undefined, () => {
        const prefix = `${outcomePrefix}${name}|`;
        return counters.list(prefix).map(({ key, total }) => ({ key: key.slice(prefix.length), count: total }));
      }),
    clearOutcomes: name => orElse(undefined, () => counters.resetAll(`${outcomePrefix}${name}|`)),
    // Not those with successes alone: these are told for as long as there are failures.
    withFailures: () =>
      orElse([], () => [...new Set(counters.keys(outcomePrefix).filter(isFailedKey).map(nameOfOutcome))]),
    takeTrial: name =>
      orElse(
        () => undefined,
        () => {
          const lease = leases.take({ kind: 'probe', key: name, capacity: 1, ttlMs: trialMs });
          return lease === undefined ? undefined : () => void orElse(false, () => leases.release(lease));
        },
      ),
  };
}

function nameOfOutcome(key: string): string {
  return key.slice(outcomePrefix.length, key.lastIndexOf('|'));
}

const signPrefix = 'signs of life ';

/** Counted by each worker at most once a second; what cannot be told is nothing heard. */
export function createSignsOfLife({ counters }: Pick<Spine, 'counters'>): SignsOfLife {
  return {
    add: host => orElse(0, () => counters.add(signPrefix + host, 1)),
    get: host => orElse(0, () => counters.get(signPrefix + host)),
  };
}

/** The turn to ask an idle host is kept for its time, so that nobody else asks it meanwhile. Without the others each worker asks. */
export function createCanaryTurns({ leases }: Pick<Spine, 'leases'>): (host: string, ms: number) => boolean {
  return (host, ms) =>
    orElse(true, () => leases.take({ kind: 'canary', key: host, capacity: 1, ttlMs: ms * 0.9 }) !== undefined);
}

function orElse<T>(instead: T, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return instead;
  }
}

function rowOf(state: BreakerState): Omit<BreakerRow, 'name'> {
  const { is, sinceMs, opens } = state;
  const more = is === 'closed' ? { untilMs: 0, cause: '' } : { untilMs: Math.round(state.untilMs), cause: state.cause };
  return { state: is, sinceMs: Math.round(sinceMs), opens, ...more };
}

function stateOf({ state, sinceMs, untilMs, opens, cause }: Omit<BreakerRow, 'name'>): BreakerState {
  if (state === 'open' || state === 'half_open') return { is: state, sinceMs, untilMs, opens, cause };
  return { is: 'closed', sinceMs, opens };
}
