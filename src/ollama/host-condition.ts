/**
 * The state of a host, as people are told it, from what is known of it.
 *
 * Legal moves: `unknown` -> any; `ready` <-> `loading` <-> `busy` by its own traffic; any -> `down` when it cannot be reached,
 * `down` -> `ready` when a probe gets through; any -> `draining` and back by hand alone. What each means for requests:
 * `ready` and `loading` get them, `busy` has them wait, `down` is asked only when nobody else is left, `draining` finishes what
 * it has and gets nothing new. States that come from health checks of more than reachability belong between `down` and `loading`.
 */
import type { HostState } from './upstream-host.ts';

export type HostCondition =
  | { readonly is: 'unknown' }
  | { readonly is: 'ready' }
  | { readonly is: 'loading'; readonly models: readonly string[] }
  | { readonly is: 'busy' }
  | { readonly is: 'down'; readonly reason: string }
  | { readonly is: 'draining' };

export interface ConditionFacts {
  readonly state: HostState;
  readonly isDraining: boolean;
  /** Models that were asked for and have not answered since they are not loaded. */
  readonly loading: readonly string[];
  readonly hasFreeSlot: boolean;
}

export function conditionOf({ state, isDraining, loading, hasFreeSlot }: ConditionFacts): HostCondition {
  if (isDraining) return { is: 'draining' };
  if (state.is === 'down') return { is: 'down', reason: state.reason };
  if (state.is === 'unknown') return { is: 'unknown' };
  if (loading.length > 0) return { is: 'loading', models: loading };
  return hasFreeSlot ? { is: 'ready' } : { is: 'busy' };
}
