/** Breakers in the hot store, for a board that goes on by itself when that cannot be asked. */
import type { BreakerState } from '../resilience/breaker.ts';
import type { BreakerStore } from '../resilience/breaker-board.ts';
import { trialMs } from '../resilience/trials.ts';
import type { BreakerRow } from '../storage/breaker-repository.ts';
import { StoreError } from '../storage/store-error.ts';
import type { Spine } from './create-spine.ts';

export function createBreakerStore({ breakers, leases }: Pick<Spine, 'breakers' | 'leases'>): BreakerStore {
  return {
    all: () => orElse([], () => breakers.all().map(({ name, ...row }) => ({ name, state: stateOf(row) }))),
    put: ({ name, state }) => orElse(true, () => breakers.put({ name, ...rowOf(state) })),
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
