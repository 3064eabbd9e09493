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
  readonly data?: string;
}

/** How urgent an answer is for all who want it in this worker. */
export interface FlightUrgency {
  readonly priority: string;
  /** Whether it would make a difference now that somebody wants it more. */
  readonly isOpen: boolean;
  raise(to: string): void;
}

/** What the election needs of the leases. Its methods may throw. */
export interface Leases<Lease> {
  take(request: LeaseRequest): Lease | undefined;
  renew(lease: Lease, ttlMs: number): Lease | undefined;
  release(lease: Lease): boolean;
  list(of: { kind: string; key: string }): ReadonlyArray<{ readonly data: string | undefined }>;
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
/** Of those who wait in other workers: one each. */
const maxWishes = 64;

interface Held<Lease> {
  lease: Lease;
  readonly key: string;
  readonly urgency: FlightUrgency;
}

export class FlightElection<Lease> {
  readonly #options: FlightElectionOptions<Lease>;
  readonly #held = new Map<symbol, Held<Lease>>();

  constructor(options: FlightElectionOptions<Lease>) {
    this.#options = options;
  }

  /**
   * @param look for the answer where all workers record theirs
   * @param urgency told to whoever leads, if that takes long
   * @throws DeciError `total_timeout`, or the signal's reason
   */
  async elect<T>(
    key: string,
    look: () => T | undefined,
    urgency: FlightUrgency,
    signal: AbortSignal,
  ): Promise<Outcome<T>> {
    const { clock, maxWaitMs } = this.#options;
    const startedAtMs = clock();
    const wishes = new Map<string, Lease | undefined>();
    try {
      for (let waitMs = firstLookMs; ; waitMs = Math.min(2 * waitMs, maxLookMs)) {
        signal.throwIfAborted();
        const resign = this.#take(key, urgency);
        // Behind the attempt: whoever led until now has recorded the answer before the lease became free.
        const found = look();
        if (found !== undefined) {
          resign?.();
          return { found };
        }
        if (resign !== undefined) return { resign };
        if (clock() - startedAtMs > maxWaitMs) throw new DeciError('total_timeout');
        const { priority } = urgency;
        if (waitMs === maxLookMs && !wishes.has(priority)) wishes.set(priority, this.#wish(key, priority));
        await wait(waitMs, signal);
      }
    } finally {
      for (const wish of wishes.values()) this.#release(wish);
    }
  }

  /** For a schedule: says that this worker still leads what it leads. */
  renew(): void {
    for (const [id, held] of this.#held) {
      const renewed = this.#options.leases.renew(held.lease, ttlMs);
      if (renewed === undefined) this.#held.delete(id);
      else held.lease = renewed;
    }
  }

  /** For a schedule: how urgent what this worker leads, and has to wait for, is in others. */
  listen(): void {
    for (const { key, urgency } of this.#held.values()) {
      if (!urgency.isOpen) continue;
      for (const { data } of this.#options.leases.list({ kind: 'flight-wish', key })) urgency.raise(data ?? '');
    }
  }

  /** Says to whoever leads how urgent it is here. */
  #wish(key: string, data: string): Lease | undefined {
    try {
      return this.#options.leases.take({ kind: 'flight-wish', key, capacity: maxWishes, ttlMs, data });
    } catch {
      // Then it takes as long as it takes.
      return undefined;
    }
  }

  /** @returns undefined when another worker leads. Where leases cannot be had, everybody leads. */
  #take(key: string, urgency: FlightUrgency): (() => void) | undefined {
    const { leases } = this.#options;
    try {
      const lease = leases.take({ kind: 'flight', key, capacity: 1, ttlMs });
      if (lease === undefined) return undefined;
      const id = Symbol(key);
      this.#held.set(id, { lease, key, urgency });
      return () => this.#resign(id);
    } catch {
      return () => undefined;
    }
  }

  #resign(id: symbol): void {
    const held = this.#held.get(id);
    this.#held.delete(id);
    this.#release(held?.lease);
  }

  #release(lease: Lease | undefined): void {
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
