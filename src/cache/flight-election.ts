/**
 * Who of all workers generates an answer that several want: whoever gets the lease. The others look whether the answer was
 * recorded, and whether the lease has become free because its holder is done, failed or dead; then one of them leads.
 * Owner: the composition root, which has `renew` called often enough.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { DeciError } from '../kernel/errors.ts';

interface LeaseRequest {
  readonly kind: string;
  readonly key: string;
  readonly capacity: number;
  readonly ttlMs: number;
}

/** What the election needs of the leases. Its methods may throw. */
export interface Leases<Lease> {
  take(request: LeaseRequest): Lease | undefined;
  renew(lease: Lease, ttlMs: number): Lease | undefined;
  release(lease: Lease): boolean;
}

export interface FlightElectionOptions<Lease> {
  readonly leases: Leases<Lease>;
  readonly clock: () => number;
  /** How long anybody waits for the answer of another worker. */
  readonly maxWaitMs: number;
}

/** Either the answer of another worker, or the word to lead. */
export type Outcome<T> = { readonly found: T } | { readonly resign: () => void };

/** A leader that is frozen is given up after this time; one that died is noticed at once. */
const ttlMs = 15_000;
const firstLookMs = 5;
const maxLookMs = 100;

export class FlightElection<Lease> {
  readonly #options: FlightElectionOptions<Lease>;
  readonly #held = new Map<symbol, Lease>();

  constructor(options: FlightElectionOptions<Lease>) {
    this.#options = options;
  }

  /**
   * @param look for the answer where all workers record theirs
   * @throws DeciError `total_timeout`, or the signal's reason
   */
  async elect<T>(key: string, look: () => T | undefined, signal: AbortSignal): Promise<Outcome<T>> {
    const { clock, maxWaitMs } = this.#options;
    const startedAtMs = clock();
    for (let waitMs = firstLookMs; ; waitMs = Math.min(2 * waitMs, maxLookMs)) {
      signal.throwIfAborted();
      const resign = this.#take(key);
      // Behind the attempt: whoever led until now has recorded the answer before the lease became free.
      const found = look();
      if (found !== undefined) {
        resign?.();
        return { found };
      }
      if (resign !== undefined) return { resign };
      if (clock() - startedAtMs > maxWaitMs) throw new DeciError('total_timeout');
      await wait(waitMs, signal);
    }
  }

  /** For a schedule: says that this worker still leads what it leads. */
  renew(): void {
    for (const [id, lease] of this.#held) {
      const renewed = this.#options.leases.renew(lease, ttlMs);
      if (renewed === undefined) this.#held.delete(id);
      else this.#held.set(id, renewed);
    }
  }

  /** @returns undefined when another worker leads. Where leases cannot be had, everybody leads. */
  #take(key: string): (() => void) | undefined {
    const { leases } = this.#options;
    try {
      const lease = leases.take({ kind: 'flight', key, capacity: 1, ttlMs });
      if (lease === undefined) return undefined;
      const id = Symbol(key);
      this.#held.set(id, lease);
      return () => this.#resign(id);
    } catch {
      return () => undefined;
    }
  }

  #resign(id: symbol): void {
    const lease = this.#held.get(id);
    this.#held.delete(id);
    if (lease === undefined) return;
    try {
      this.#options.leases.release(lease);
    } catch {
      // It ends by itself when its time is over.
    }
  }
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
