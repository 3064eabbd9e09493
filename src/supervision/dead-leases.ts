/**
 * The healer that gives back what dead processes held. A worker that ends by itself releases its leases; one that was killed
 * cannot. Whoever needs a place that a dead process holds takes it without waiting for this; here the rest is cleared.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import type { ProcessIdentity } from '../kernel/process-identity.ts';

export interface HeldLease {
  readonly kind: string;
  readonly key: string;
}

export interface LeaseKeeper {
  /** Every process that holds a lease. */
  holders(): readonly ProcessIdentity[];
  /** Gives back all that one process holds. */
  releaseAll(holder: ProcessIdentity): readonly HeldLease[];
}

export interface DeadLeasesOptions {
  readonly leases: LeaseKeeper;
  readonly isAlive: (holder: ProcessIdentity) => boolean;
  readonly onReaped: (leases: readonly HeldLease[]) => void;
}

/** Of what stands for a request each is one; the others are not. */
const requestKinds: ReadonlySet<string> = new Set(['slot', 'queue', 'flight']);

/** The bar is a second from the death of the holder; each look is a read of a few microseconds. */
const lookEveryMs = 250;
const actionMs = 2000;

export function createDeadLeases(options: DeadLeasesOptions): Healer {
  return {
    info: healerCatalogue['dead-leases'],
    intervalMs: lookEveryMs,
    actionMs,
    detect: () =>
      options.leases
        .holders()
        .filter(holder => !options.isAlive(holder))
        .map(holder => episodeOf(holder, options)),
  };
}

function episodeOf(holder: ProcessIdentity, { leases, onReaped }: DeadLeasesOptions): Episode {
  return {
    trigger: { signal: 'holder_gone', value: 1, threshold: 0 },
    decision: `process ${holder.pid} is gone and still holds leases`,
    action: 'release_leases',
    target: `process ${holder.pid}`,
    act: async () => {
      const released = leases.releaseAll(holder);
      onReaped(released);
      const requests = released.filter(({ kind }) => requestKinds.has(kind)).length;
      return { result: released.length > 0 ? 'healed' : 'no_effect', requests_affected: requests };
    },
  };
}
