/** An episode that strikes several processes at once and has one record: of the process that holds it. */
import type { Lease } from '../storage/lease-repository.ts';
import type { Spine } from './create-spine.ts';

export interface HeldEpisode {
  /** @returns whether this process is the one that tells of it; also where nobody can know. Never throws. */
  hold(): boolean;
  letGo(): void;
}

/** Renewed once a second; that of a process that hangs is free for another one soon. */
const episodeMs = 10_000;

export function heldEpisode(leases: Spine['leases'], kind: string): HeldEpisode {
  let lease: Lease | undefined;
  return {
    hold: () => {
      try {
        lease =
          (lease === undefined ? undefined : leases.renew(lease, episodeMs)) ??
          leases.take({ kind, key: 'episode', capacity: 1, ttlMs: episodeMs });
        return lease !== undefined;
      } catch {
        // Two records are better than none.
        return true;
      }
    },
    letGo: () => {
      try {
        if (lease !== undefined) leases.release(lease);
      } catch {
        // It ends with its time.
      }
      lease = undefined;
    },
  };
}
