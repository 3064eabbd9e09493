/** The hosts as the admin routes tell them: what the pool knows, and the slots of all workers. */
import type { RouteDeps } from '../http/routes.ts';
import { conditionOf } from '../ollama/host-condition.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { UpstreamHost } from '../ollama/upstream-host.ts';
import { slotKind } from './create-admission.ts';

export interface HostViewsOptions {
  readonly hosts: readonly UpstreamHost[];
  readonly isDraining: (host: string) => boolean;
  readonly leases: {
    list(of: { kind: string; key: string }): ReadonlyArray<{ readonly data: string | undefined }>;
  };
  readonly slotsMax: number;
  /** Of one model on one host, as far as it is learnt. */
  readonly limitOf: (host: string, model: string) => number;
  /** For what its breaker was opened; undefined while that is closed. */
  readonly leftAloneFor: (host: string) => string | undefined;
}

export function createHostViews(options: HostViewsOptions): RouteDeps['hosts']['list'] {
  const { hosts, isDraining, leases, slotsMax, limitOf, leftAloneFor } = options;
  /** The model of each slot that is taken; undefined when nobody knows. */
  const takenOf = (key: string): readonly string[] | undefined => {
    try {
      return leases.list({ kind: slotKind, key }).map(({ data = '' }) => data);
    } catch {
      return undefined;
    }
  };
  const hasFreeSlot = ({ name, inventory }: UpstreamHost, taken: readonly string[]): boolean => {
    if (taken.length >= slotsMax) return false;
    const loaded = inventory.models.map(model => modelKey(model.name)).filter(key => inventory.isLoaded(key));
    const used = new Set([...loaded, ...taken]);
    const isFull = (key: string): boolean => taken.filter(model => model === key).length >= limitOf(name, key);
    // Any other model has to be loaded first, which may make one of these leave.
    return used.size === 0 || ![...used].every(isFull);
  };
  return () =>
    hosts.map(host => {
      const { name, state, weight, inventory } = host;
      const taken = takenOf(name);
      const draining = isDraining(name);
      return {
        name,
        state: conditionOf({
          state,
          isDraining: draining,
          loading: [...host.loading.keys()],
          hasFreeSlot: taken === undefined || hasFreeSlot(host, taken),
          leftAloneFor: leftAloneFor(name),
        }),
        version: state.is === 'up' ? state.version : undefined,
        draining,
        weight,
        slots: { in_use: taken?.length ?? null, max: slotsMax },
        models: inventory.models.map(({ name: model, digest }) => ({
          name: model,
          digest,
          loaded: inventory.isLoaded(modelKey(model)),
        })),
      };
    });
}
