/** Who waits for a slot in this worker. A plain list: no clock, no timers, no slots, no order but that of arrival. Owner: the gate. */

import { type Priority, priorities } from './queue-order.ts';

export interface Waiting {
  readonly ticket: {
    readonly id: string;
    /** Those of one group wait for the same: when it is not there for one, it is not for the others. */
    readonly group: string;
    readonly model: string;
    readonly priority: Priority;
  };
}

export class WaitingLine<W extends Waiting> {
  readonly #waiting = new Map<string, W>();
  readonly #perGroup = new Map<string, number>();
  readonly #perModel = new Map<string, number>();
  /** All classes, also those that nobody is in. */
  readonly perPriority = new Map<Priority, number>(priorities.map(priority => [priority, 0]));

  get length(): number {
    return this.#waiting.size;
  }

  hasGroup(group: string): boolean {
    return this.#perGroup.has(group);
  }

  hasModel(model: string): boolean {
    return this.#perModel.has(model);
  }

  byId(id: string): W | undefined {
    return this.#waiting.get(id);
  }

  /** A copy: who is served leaves the list. */
  waiters(): W[] {
    return [...this.#waiting.values()];
  }

  add(waiter: W): void {
    const { id, group, model, priority } = waiter.ticket;
    this.#waiting.set(id, waiter);
    add(this.perPriority, priority, 1);
    add(this.#perGroup, group, 1);
    add(this.#perModel, model, 1);
  }

  /** @returns false when it does not wait any more */
  remove({ ticket: { id, group, model, priority } }: W): boolean {
    if (!this.#waiting.delete(id)) return false;
    add(this.perPriority, priority, -1);
    if (add(this.#perGroup, group, -1) === 0) this.#perGroup.delete(group);
    if (add(this.#perModel, model, -1) === 0) this.#perModel.delete(model);
    return true;
  }
}

/** @returns the new count */
function add<K>(counts: Map<K, number>, key: K, change: 1 | -1): number {
  const count = (counts.get(key) ?? 0) + change;
  counts.set(key, count);
  return count;
}
