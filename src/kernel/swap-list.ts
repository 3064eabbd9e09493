/**
 * Things that come and go with every request, in no order. Not a Set: one that is used so heavily is rebuilt all the time, and
 * each old table points to the next, so that a collector that works by age keeps alive whatever was in any of them.
 */
export interface Listed {
  /** Kept by the list that it is in; -1 in none. */
  place: number;
}

export class SwapList<T extends Listed> implements Iterable<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** What is not in it is left alone. */
  delete(item: T): void {
    const { place } = item;
    if (this.#items[place] !== item) return;
    const last = this.#items.pop() as T;
    item.place = -1;
    if (last === item) return;
    this.#items[place] = last;
    last.place = place;
  }

  /** Of those that are in it at this moment. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items.slice()[Symbol.iterator]();
  }
}
