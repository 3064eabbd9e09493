/**
 * Which recorded answers are generated anew before they are too old: those that are asked for often, near their end, while
 * nobody waits for a host. One at a time in this worker, and each key by one worker at a time: a lease that dies with its holder.
 * Owner: the composition root.
 */
import type { Recording } from './recording.ts';

export interface RefreshAheadOptions<Lease> {
  readonly ttlMs: number;
  /** Of the time that an answer is fresh: behind it, it is made anew. */
  readonly after: number;
  readonly now: () => number;
  /** Whether nobody waits for a slot. */
  readonly isIdle: () => boolean;
  readonly leases: {
    take(request: { kind: string; key: string; capacity: number; ttlMs: number }): Lease | undefined;
    release(lease: Lease): boolean;
  };
  /** How long one may take. */
  readonly maxMs: number;
  readonly onRefreshed: (result: 'refreshed' | 'failed') => void;
}

/** Given out so often since it was recorded, an answer will be asked for again. */
const hotUses = 5;

export class RefreshAhead<Lease> {
  readonly #options: RefreshAheadOptions<Lease>;
  #isBusy = false;

  constructor(options: RefreshAheadOptions<Lease>) {
    this.#options = options;
  }

  /** Counts a use. @returns whether the answer should be made anew now */
  isDue(recording: Recording, ttlMs = this.#options.ttlMs): boolean {
    recording.uses++;
    if (recording.uses < hotUses || this.#isBusy) return false;
    const { after, now, isIdle } = this.#options;
    return now() - recording.facts.recordedAtMs >= after * ttlMs && isIdle();
  }

  /** Never rejects. @param make generates and records the answer @returns false when somebody else does it */
  async run(key: string, make: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const { leases, maxMs, onRefreshed } = this.#options;
    if (this.#isBusy) return false;
    this.#isBusy = true;
    let lease: Lease | undefined;
    try {
      lease = leases.take({ kind: 'refresh', key, capacity: 1, ttlMs: 2 * maxMs });
      if (lease === undefined) return false;
      await make(AbortSignal.timeout(maxMs));
      onRefreshed('refreshed');
    } catch {
      onRefreshed('failed');
    } finally {
      this.#isBusy = false;
      if (lease !== undefined) this.#release(lease);
    }
    return true;
  }

  #release(lease: Lease): void {
    try {
      this.#options.leases.release(lease);
    } catch {
      // It ends with its time.
    }
  }
}
