/**
 * The state of a host, as people are told it, from what is known of it. Pure.
 *
 * | state         | what it means                                  | requests                                                    |
 * |---------------|------------------------------------------------|-------------------------------------------------------------|
 * | `ready`       | it answers and has a free slot                 | get it                                                      |
 * | `loading`     | it answers and loads a model                   | get it; those for another model that is to be loaded rather go elsewhere |
 * | `busy`        | all slots are taken                            | wait for one, here or where one is free sooner              |
 * | `wedged`      | it lets in and generates nothing               | none while its breaker is open, but for trials; before and after, only when no other host is left |
 * | `quarantined` | it answers, and failed too often               | none but for trials                                         |
 * | `down`        | it cannot be dialled                           | none while its breaker is open; else when no other is left  |
 * | `draining`    | kept free, by hand                             | finishes what it has, gets nothing new                      |
 * | `unknown`     | it was not asked yet                           | get it                                                      |
 *
 * Legal moves: `unknown` -> any; `ready` <-> `loading` <-> `busy` by its own traffic; any -> `down`, `wedged`, `quarantined` by
 * probes and failures, and from there back to `ready` by a trial; any -> `draining` and back by hand alone.
 */
import type { HostState } from './upstream-host.ts';

export type HostCondition =
  | { readonly is: 'unknown' | 'ready' | 'busy' | 'draining' }
  | { readonly is: 'loading'; readonly models: readonly string[] }
  | { readonly is: 'down' | 'wedged' | 'quarantined'; readonly reason: string };

export interface ConditionFacts {
  readonly state: HostState;
  readonly isDraining: boolean;
  /** Models that were asked for and have not answered since they are not loaded. */
  readonly loading: readonly string[];
  readonly hasFreeSlot: boolean;
  /** For what its breaker was opened; undefined while that is closed. */
  readonly leftAloneFor?: string | undefined;
}

const silences: ReadonlySet<string> = new Set(['first_token_timeout', 'stall_timeout']);

export function conditionOf(facts: ConditionFacts): HostCondition {
  const { state, isDraining, loading, hasFreeSlot, leftAloneFor } = facts;
  if (isDraining) return { is: 'draining' };
  if (state.is === 'down') return { is: 'down', reason: state.reason };
  if (state.is === 'silent') return { is: 'wedged', reason: state.reason };
  if (leftAloneFor !== undefined) {
    return { is: silences.has(leftAloneFor) ? 'wedged' : 'quarantined', reason: leftAloneFor };
  }
  if (state.is === 'unknown') return { is: 'unknown' };
  if (loading.length > 0) return { is: 'loading', models: loading };
  return { is: hasFreeSlot ? 'ready' : 'busy' };
}
