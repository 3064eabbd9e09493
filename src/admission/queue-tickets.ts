/**
 * The tickets of all who wait, in all workers: leases of a key that has so many places, so that a ticket dies with the worker
 * that holds it. Owner: the gate of a worker. While the store cannot be asked, each worker has its part of the places and sees
 * its own tickets only.
 */
import { priorities, type Ticket } from './queue-order.ts';

export const queueKind = 'queue';
export const queueKey = 'all';

interface StoredLease {
  readonly token: number;
  readonly data: string | undefined;
}

export interface QueueTicketsOptions<L extends StoredLease> {
  readonly leases: {
    take(request: { kind: string; key: string; capacity: number; ttlMs: number; data: string }): L | undefined;
    replace(lease: L, request: { ttlMs: number; data: string }): L | undefined;
    release(lease: L): boolean;
    list(of: { kind: string; key: string }): readonly L[];
    /** Another number after any change of another process. */
    version(): number;
  };
  readonly capacity: number;
  /** Of one owner, while others wait. */
  readonly maxPerOwner?: number | undefined;
  /** Workers that share the places. */
  readonly sharers: number;
  /** Longer than anybody waits. */
  readonly ttlMs: number;
  /** Each time the store could not be asked, and with `undefined` when it could. */
  readonly onStore: (failure: unknown) => void;
}

export class QueueTickets<L extends StoredLease> {
  readonly #options: QueueTicketsOptions<L>;
  readonly capacity: number;
  readonly maxPerOwner: number | undefined;
  /** Of this worker; undefined for one that was given while the store could not be asked. */
  readonly #held = new Map<string, L | undefined>();
  /** What the list said last, so that no ticket is read twice. */
  #read = new Map<string, { readonly lease: L; readonly ticket: Ticket }>();

  #version: number | undefined;

  constructor(options: QueueTicketsOptions<L>) {
    this.#options = options;
    this.capacity = options.capacity;
    this.maxPerOwner = options.maxPerOwner;
  }

  /** Whether anything may have changed in another worker since the last call. */
  hasChanged(): boolean {
    const before = this.#version;
    try {
      this.#version = this.#options.leases.version();
    } catch {
      this.#version = undefined;
    }
    return this.#version === undefined || this.#version !== before;
  }

  /** Undefined when nobody knows. */
  list(): readonly Ticket[] | undefined {
    try {
      const leases = this.#options.leases.list({ kind: queueKind, key: queueKey });
      const read = new Map<string, { readonly lease: L; readonly ticket: Ticket }>();
      for (const lease of leases) {
        const key = String(lease.token);
        const known = this.#read.get(key);
        const ticket = known?.ticket ?? readTicket(lease.data);
        if (ticket !== undefined) read.set(key, { lease, ticket });
      }
      this.#read = read;
      this.#options.onStore(undefined);
      return [...read.values()].map(({ ticket }) => ticket);
    } catch (error) {
      this.#options.onStore(error);
      return undefined;
    }
  }

  /** @param victim gives up its place to this one @returns false when there is no place */
  join(ticket: Ticket, victim: Ticket | undefined): boolean {
    const { leases, ttlMs, sharers, onStore } = this.#options;
    const data = dataOf(ticket);
    try {
      const lease =
        victim === undefined
          ? leases.take({ kind: queueKind, key: queueKey, capacity: this.capacity, ttlMs, data })
          : this.#replace(victim, data);
      if (lease !== undefined) this.#held.set(ticket.id, lease);
      return lease !== undefined;
    } catch (error) {
      onStore(error);
      const own = [...this.#held.values()].filter(lease => lease === undefined).length;
      if (own >= Math.max(1, Math.floor(this.capacity / sharers))) return false;
      this.#held.set(ticket.id, undefined);
      return true;
    }
  }

  /** A ticket that waits is another one now; one that is not held here any more joins again by itself. */
  change(ticket: Ticket): void {
    const { leases, ttlMs, onStore } = this.#options;
    const lease = this.#held.get(ticket.id);
    if (lease === undefined) return;
    try {
      const changed = leases.replace(lease, { ttlMs, data: dataOf(ticket) });
      if (changed !== undefined) this.#held.set(ticket.id, changed);
    } catch (error) {
      onStore(error);
    }
  }

  leave({ id }: Ticket): void {
    const lease = this.#held.get(id);
    this.#held.delete(id);
    if (lease === undefined) return;
    try {
      this.#options.leases.release(lease);
    } catch (error) {
      this.#options.onStore(error);
    }
  }

  #replace(victim: Ticket, data: string): L | undefined {
    const found = [...this.#read.values()].find(({ ticket }) => ticket.id === victim.id);
    return found === undefined
      ? undefined
      : this.#options.leases.replace(found.lease, { ttlMs: this.#options.ttlMs, data });
  }
}

/** The model first: it can be asked for whether anybody waits for one. */
function dataOf(ticket: Ticket): string {
  return `${ticket.model}\n${JSON.stringify(ticket)}`;
}

/** @returns undefined for what no worker of this version wrote */
function readTicket(data: string | undefined): Ticket | undefined {
  try {
    const ticket = JSON.parse(data?.slice(data.indexOf('\n') + 1) ?? '') as Ticket;
    const isTicket =
      typeof ticket.id === 'string' && typeof ticket.start === 'number' && typeof ticket.sinceMs === 'number';
    return isTicket && priorities.includes(ticket.priority) ? ticket : undefined;
  } catch {
    return undefined;
  }
}
