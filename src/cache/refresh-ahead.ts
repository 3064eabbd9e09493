/**
 * Which recorded answers are generated anew before they are too old: those that are asked for often, near their end, while
 * nobody waits for a host. One at a time in this worker, and each key by one worker at a time: a lease that dies with its holder.
 * Behind the lease it is looked whether another worker has made it meanwhile. Owner: the composition root.
 *
 * Invariants: what failed is tried again after `failedPauseMs` at the earliest, by whichever worker; with more than `maxPauses`
 * answers that are left alone, nothing is made anew until one of them may be again.
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
    renew(lease: Lease, ttlMs: number): Lease | undefined;
    release(lease: Lease): boolean;
  };
  /** How long one may take. */
  readonly maxMs: number;
  readonly onRefreshed: (result: 'refreshed' | 'failed') => void;
}

/** Of one answer that may be made anew. */
export interface Renewal {
  readonly key: string;
  /** What is given out until now. */
  readonly hit: Recording;
  /** Takes over what another worker has recorded within so long. @returns whether there was something */
  readonly takeOver: (maxAgeMs: number) => boolean;
  /** Generates and records the answer. */
  readonly make: (signal: AbortSignal) => Promise<void>;
}

const failedPauseMs = 60_000;
/** Somebody else makes it: asking for the lease with every use would cost each of them a write. */
const takenPauseMs = 1000;
const maxPauses = 256;
/** Given out so often since it was recorded, an answer will be asked for again. */
const hotUses = 5;

export class RefreshAhead<Lease> {
  readonly #options: RefreshAheadOptions<Lease>;
  readonly #pausedUntilMs = new Map<string, number>();
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

  /** Never rejects. @returns whether it was tried */
  async run({ key, hit, takeOver, make }: Renewal): Promise<boolean> {
    const { leases, maxMs, now, onRefreshed } = this.#options;
    if (this.#isBusy || this.#isPaused(key)) return false;
    this.#isBusy = true;
    let lease: Lease | undefined;
    try {
      lease = leases.take({ kind: 'refresh', key, capacity: 1, ttlMs: 2 * maxMs });
      if (lease === undefined) {
        this.#pausedUntilMs.set(key, now() + takenPauseMs);
        return false;
      }
      if (!takeOver(now() - hit.facts.recordedAtMs)) {
        await make(AbortSignal.timeout(maxMs));
        onRefreshed('refreshed');
      }
      this.#release(lease);
    } catch {
      this.#pausedUntilMs.set(key, now() + failedPauseMs);
      if (lease !== undefined) this.#keep(lease);
      onRefreshed('failed');
    } finally {
      this.#isBusy = false;
    }
    return true;
  }

  #isPaused(key: string): boolean {
    const atMs = this.#options.now();
    if ((this.#pausedUntilMs.get(key) ?? 0) > atMs) return true;
    this.#pausedUntilMs.delete(key);
    if (this.#pausedUntilMs.size < maxPauses) return false;
    for (const [other, untilMs] of this.#pausedUntilMs) if (untilMs <= atMs) this.#pausedUntilMs.delete(other);
    return this.#pausedUntilMs.size >= maxPauses;
  }

  /** So that the others leave it alone, too. */
  #keep(lease: Lease): void {
    try {
      this.#options.leases.renew(lease, failedPauseMs);
    } catch {
      // It ends with its time.
    }
  }

  #release(lease: Lease): void {
    try {
      this.#options.leases.release(lease);
    } catch {
      // It ends with its time.
    }
  }
}
