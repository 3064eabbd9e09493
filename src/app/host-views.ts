/** The hosts as the admin routes tell them: what the pool knows, and the slots of all workers. */
import type { RouteDeps } from '../http/routes.ts';
import { conditionOf } from '../ollama/host-condition.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { UpstreamHost } from '../ollama/upstream-host.ts';
import { slotKind } from './create-admission.ts';

export interface HostViewsOptions {
  readonly hosts: readonly UpstreamHost[];
  readonly isDraining: (host: string) => boolean;
  readonly leases: { list(of: { kind: string; key: string }): readonly unknown[] };
  readonly slotsMax: number;
  /** For what its breaker was opened; undefined while that is closed. */
  readonly leftAloneFor: (host: string) => string | undefined;
}

export function createHostViews(options: HostViewsOptions): RouteDeps['hosts']['list'] {
  const { hosts, isDraining, leases, slotsMax, leftAloneFor } = options;
  const inUseOf = (key: string): number | undefined => {
    try {
      return leases.list({ kind: slotKind, key }).length;
    } catch {
      return undefined;
    }
  };
  return () =>
    hosts.map(host => {
      const { name, state, weight, inventory } = host;
      const inUse = inUseOf(name);
      const draining = isDraining(name);
      return {
        name,
        state: conditionOf({
          state,
          isDraining: draining,
          loading: [...host.loading.keys()],
          hasFreeSlot: inUse === undefined || inUse < slotsMax,
          leftAloneFor: leftAloneFor(name),
        }),
        version: state.is === 'up' ? state.version : undefined,
        draining,
        weight,
        slots: { in_use: inUse ?? null, max: slotsMax },
        models: inventory.models.map(({ name: model, digest }) => ({
          name: model,
          digest,
          loaded: inventory.isLoaded(modelKey(model)),
        })),
      };
    });
}
