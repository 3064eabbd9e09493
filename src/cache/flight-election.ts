/**
 * Who of all workers generates an answer that several want: whoever gets the lease. The others ask the holder whether they may read
 * along; until they may, they look whether the answer was recorded, and whether the lease has become free because its holder is
 * done, failed or dead; then one of them leads.
 * Owner: the composition root, which has `renew` called often enough.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { DeciError } from '../kernel/errors.ts';
import { Approach } from './approach.ts';

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
  /** Where others reach this worker; it stands in the lease. */
  readonly address: string;
}

/** How one may come by the answer of another worker. */
export interface Ways<Found, Joined> {
  /** For what was recorded, where all workers record. */
  readonly look: () => Found | undefined;
  /** Reads along with the worker at that address. @throws when that cannot be done, or not yet */
  readonly follow?: (address: string, signal: AbortSignal) => Promise<Joined>;
}

/** What another worker has made, what it makes, or the word to lead. */
export type Outcome<Found, Joined = never> =
  | { readonly found: Found }
  | ([Joined] extends [never] ? never : { readonly joined: Joined })
  | { readonly resign: () => void };

/** A leader that is frozen is given up after this time; one that died is noticed at once. */
const ttlMs = 15_000;
const firstLookMs = 5;
const maxLookMs = 100;
/** Who has waited for so many looks asks to read along: most answers that are shared are there before. */
const followFromMs = 40;
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
   * @param urgency told to whoever leads, if that takes long
   * @throws DeciError `total_timeout`, or the signal's reason
   */
  async elect<Found, Joined = never>(
    key: string,
    { look, follow }: Ways<Found, Joined>,
    urgency: FlightUrgency,
    signal: AbortSignal,
  ): Promise<Outcome<Found, Joined>> {
    const { clock, maxWaitMs } = this.#options;
    const endMs = clock() + maxWaitMs;
    const wishes = new Map<string, Lease | undefined>();
    const approach = new Approach({ ask: asking => this.#follow(key, follow, asking), signal, clock });
    let joined: Joined | undefined;
    try {
      for (let waitMs = firstLookMs; ; waitMs = Math.min(2 * waitMs, maxLookMs)) {
        signal.throwIfAborted();
        const outcome = this.#attempt(key, look, urgency);
        if (outcome !== undefined) return outcome;
        if (clock() > endMs) throw new DeciError('total_timeout');
        const { priority } = urgency;
        if (waitMs === maxLookMs && !wishes.has(priority)) wishes.set(priority, this.#wish(key, priority));
        if (waitMs >= followFromMs) approach.begin();
        joined = await approach.wait(wait(waitMs, signal));
        // Only who can follow has joined, which the type cannot know.
        if (joined !== undefined) return { joined } as Outcome<Found, Joined>;
      }
    } finally {
      if (joined === undefined) approach.giveUp();
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

  #attempt<Found>(
    key: string,
    look: () => Found | undefined,
    urgency: FlightUrgency,
  ): { readonly found: Found } | { readonly resign: () => void } | undefined {
    const resign = this.#take(key, urgency);
    // Behind the attempt: whoever led until now has recorded the answer before the lease became free.
    const found = look();
    if (found === undefined) return resign && { resign };
    resign?.();
    return { found };
  }

  /** @returns undefined when nobody leads that can be asked */
  async #follow<Joined>(
    key: string,
    follow: Ways<unknown, Joined>['follow'],
    signal: AbortSignal,
  ): Promise<Joined | undefined> {
    const [leader] = follow === undefined ? [] : this.#options.leases.list({ kind: 'flight', key });
    return leader?.data === undefined ? undefined : await follow?.(leader.data, signal);
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
    const { leases, address } = this.#options;
    try {
      const lease = leases.take({ kind: 'flight', key, capacity: 1, ttlMs, data: address });
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
