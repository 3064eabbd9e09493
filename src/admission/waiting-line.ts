/**
 * Who waits for a slot in this worker, and who is next: in order of arrival, but whoever waits for something that is not free
 * does not hold up those behind him who wait for something else. A plain list with rules: no clock, no timers, no slots.
 * Owner: the gate.
 */

export interface Waiting {
  /** Those of one group wait for the same: when it is not there for one, it is not for the others. */
  readonly group: string;
}

export class WaitingLine<W extends Waiting> {
  readonly #waiting: W[] = [];
  readonly #perGroup = new Map<string, number>();

  get length(): number {
    return this.#waiting.length;
  }

  /** Nobody who comes later may overtake these. */
  hasGroup(group: string): boolean {
    return this.#perGroup.has(group);
  }

  add(waiter: W): void {
    this.#waiting.push(waiter);
    this.#perGroup.set(waiter.group, (this.#perGroup.get(waiter.group) ?? 0) + 1);
  }

  /** @returns false when it does not wait any more */
  remove(waiter: W): boolean {
    const index = this.#waiting.indexOf(waiter);
    if (index === -1) return false;
    this.#waiting.splice(index, 1);
    const left = (this.#perGroup.get(waiter.group) ?? 1) - 1;
    if (left === 0) this.#perGroup.delete(waiter.group);
    else this.#perGroup.set(waiter.group, left);
    return true;
  }

  /**
   * Lets everybody try in turn.
   * @param serve whether the waiter is served and leaves; a `false` holds for all of his group until the next round
   */
  round(serve: (waiter: W) => boolean): void {
    const unserved = new Set<string>();
    // A copy: who is served leaves the list.
    for (const waiter of this.#waiting.slice()) {
      if (unserved.size === this.#perGroup.size) return;
      if (unserved.has(waiter.group)) continue;
      if (serve(waiter)) this.remove(waiter);
      else unserved.add(waiter.group);
    }
  }
}
