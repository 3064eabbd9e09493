/** Who waits for a slot in this worker. A plain list: no clock, no timers, no slots, no order but that of arrival. Owner: the gate. */

import { type Priority, priorities } from './queue-order.ts';

export interface Waiting {
  readonly ticket: {
    readonly id: string;
    /** Those of one group wait for the same: when it is not there for one, it is not for the others. */
    readonly group: string;
    readonly priority: Priority;
  };
}

export class WaitingLine<W extends Waiting> {
  readonly #waiting = new Map<string, W>();
  readonly #perGroup = new Map<string, number>();
  /** All classes, also those that nobody is in. */
  readonly perPriority = new Map<Priority, number>(priorities.map(priority => [priority, 0]));

  get length(): number {
    return this.#waiting.size;
  }

  hasGroup(group: string): boolean {
    return this.#perGroup.has(group);
  }

  byId(id: string): W | undefined {
    return this.#waiting.get(id);
  }

  /** A copy: who is served leaves the list. */
  waiters(): W[] {
    return [...this.#waiting.values()];
  }

  add(waiter: W): void {
    const { id, group, priority } = waiter.ticket;
    this.#count(priority, 1);
    this.#waiting.set(id, waiter);
    this.#perGroup.set(group, (this.#perGroup.get(group) ?? 0) + 1);
  }

  /** @returns false when it does not wait any more */
  remove({ ticket: { id, group, priority } }: W): boolean {
    if (!this.#waiting.delete(id)) return false;
    this.#count(priority, -1);
    const left = (this.#perGroup.get(group) ?? 1) - 1;
    if (left === 0) this.#perGroup.delete(group);
    else this.#perGroup.set(group, left);
    return true;
  }

  #count(priority: Priority, change: 1 | -1): void {
    this.perPriority.set(priority, (this.perPriority.get(priority) ?? 0) + change);
  }
}
