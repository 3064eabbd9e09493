/**
 * The slots of all hosts, exact over all workers: a slot is a lease, at most so many of a host, and of those at most so many
 * of one model. Owner: the gate of a worker. No timers: the owner calls `sweep` while something is kept.
 *
 * - A slot that is given back within moments of being taken is kept for the next request of this worker, leased all the
 *   while, so that short requests do not cost two statements each. It is kept for `keepMs` at most, and given back at the next
 *   `sweep` when somebody in another process waits.
 * - Whoever comes just now takes no new slot while somebody in another worker waits for the model: it is not his turn.
 * - A store that cannot be asked leaves each worker its share of the slots, counted here. Where a share would be less than one,
 *   it is one: all workers together may then use more than there are.
 */

export interface Slot<L> {
  readonly host: string;
  readonly model: string;
  /** Undefined when it was taken while the store could not be asked. */
  readonly lease: L | undefined;
  readonly limit: number;
  readonly key: string;
  takenAtMs: number;
  keptAtMs: number;
}

export interface SlotTableOptions<L> {
  readonly leases: {
    take(request: {
      readonly kind: string;
      readonly key: string;
      readonly capacity: number;
      readonly ttlMs: number;
      readonly data: string;
      readonly sameDataMax: number;
    }): L | undefined;
    release(lease: L): boolean;
    count(kind: string, key: string, data?: string): number;
  };
  /** For all models together. */
  readonly hostMax: number;
  readonly limitOf: (host: string, model: string) => number;
  /** Workers that share the slots. */
  readonly sharers: number;
  /** Longer than anything is generated. */
  readonly useMs: number;
  /** Whether somebody waits in another worker, for this model or for any. */
  readonly othersWait: (model?: string) => boolean;
  readonly now: () => number;
  /** Each time the store could not be asked, and with `undefined` when it could. */
  readonly onStore: (failure: unknown) => void;
  readonly onChange: (host: string, inUse: number) => void;
}

const handOnMs = 250;
const keepMs = 50;

export class SlotTable<L extends { readonly expiresAtMs: number }> {
  readonly #options: SlotTableOptions<L>;
  /** Slots in use here, by host, and by host and model. */
  readonly #inUse = new Map<string, number>();
  readonly #kept: Slot<L>[] = [];

  constructor(options: SlotTableOptions<L>) {
    this.#options = options;
  }

  get keeps(): boolean {
    return this.#kept.length > 0;
  }

  inUse(host: string, model?: string): number {
    return this.#inUse.get(keyOf(host, model)) ?? 0;
  }

  /** Of its host and model, itself included. */
  inUseLike({ key }: Slot<L>): number {
    return this.#inUse.get(key) ?? 0;
  }

  /** @returns undefined when there is none */
  take(host: string, model: string, inTurn: boolean): Slot<L> | undefined {
    const slot = this.#takeKept(host, model) ?? this.#takeNew(host, model, inTurn);
    if (slot !== undefined) this.#count(slot, 1);
    return slot;
  }

  /** Whether there seems to be one: without taking it, and never a reason to believe that it will be there later. */
  hasRoom(host: string, model: string): boolean {
    const { leases, hostMax, limitOf } = this.#options;
    try {
      return leases.count('slot', host) < hostMax && leases.count('slot', host, model) < limitOf(host, model);
    } catch {
      return true;
    }
  }

  give(slot: Slot<L>): void {
    this.#count(slot, -1);
    const atMs = this.#options.now();
    const isFresh = atMs - slot.takenAtMs < handOnMs;
    if (this.#mayKeep(slot, atMs) && (isFresh || this.#options.sharers === 1 || !this.#othersWait())) {
      if (!isFresh) slot.takenAtMs = atMs;
      slot.keptAtMs = atMs;
      this.#kept.push(slot);
      return;
    }
    this.#release(slot);
  }

  /** Gives back what was kept for long enough, or what others wait for. @param all also the rest */
  sweep(all = false): void {
    if (this.#kept.length === 0) return;
    const atMs = this.#options.now();
    const isWanted = all || (this.#options.sharers > 1 && this.#othersWait());
    // Those that were kept for longest stand first.
    const staying = this.#kept.findIndex(slot => !isWanted && atMs - slot.keptAtMs < keepMs);
    for (const slot of this.#kept.splice(0, staying === -1 ? this.#kept.length : staying)) this.#release(slot);
  }

  #takeKept(host: string, model: string): Slot<L> | undefined {
    const index = this.#kept.findLastIndex(slot => slot.host === host && slot.model === model);
    if (index !== -1) return this.#kept.splice(index, 1)[0];
    // What is kept for another model must not keep this one out.
    for (const slot of this.#kept.filter(kept => kept.host === host)) {
      this.#kept.splice(this.#kept.indexOf(slot), 1);
      this.#release(slot);
    }
    return undefined;
  }

  #takeNew(host: string, model: string, inTurn: boolean): Slot<L> | undefined {
    if (!inTurn && this.#options.sharers > 1 && this.#othersWait(model)) return undefined;
    return this.#lease(host, model, this.#options.now());
  }

  #lease(host: string, model: string, atMs: number): Slot<L> | undefined {
    const { leases, hostMax, limitOf, useMs, onStore } = this.#options;
    const limit = limitOf(host, model);
    const slot = { host, model, limit, key: keyOf(host, model), takenAtMs: atMs, keptAtMs: atMs };
    try {
      const request = { kind: 'slot', key: host, capacity: hostMax, ttlMs: 2 * useMs, data: model, sameDataMax: limit };
      const lease = leases.take(request);
      onStore(undefined);
      return lease === undefined ? undefined : { ...slot, lease };
    } catch (error) {
      onStore(error);
      return this.#hasShare(host, model, limit) ? { ...slot, lease: undefined } : undefined;
    }
  }

  #hasShare(host: string, model: string, limit: number): boolean {
    const { hostMax, sharers } = this.#options;
    const share = (of: number): number => Math.max(1, Math.floor(of / sharers));
    return this.inUse(host) < share(hostMax) && this.inUse(host, model) < share(limit);
  }

  #mayKeep({ lease, host, model, limit }: Slot<L>, atMs: number): boolean {
    const { limitOf, useMs } = this.#options;
    return lease !== undefined && lease.expiresAtMs - atMs > useMs && limit <= limitOf(host, model);
  }

  #release({ lease }: Slot<L>): void {
    if (lease === undefined) return;
    try {
      this.#options.leases.release(lease);
    } catch (error) {
      // It ends with its time, or with this process.
      this.#options.onStore(error);
    }
  }

  #othersWait(model?: string): boolean {
    try {
      return this.#options.othersWait(model);
    } catch {
      return false;
    }
  }

  #count({ host, key }: Slot<L>, change: 1 | -1): void {
    this.#add(key, change);
    this.#options.onChange(host, this.#add(host, change));
  }

  #add(key: string, change: 1 | -1): number {
    const count = (this.#inUse.get(key) ?? 0) + change;
    if (count === 0) this.#inUse.delete(key);
    else this.#inUse.set(key, count);
    return count;
  }
}

function keyOf(host: string, model: string | undefined): string {
  return model === undefined ? host : `${host} ${model}`;
}
