/**
 * The values of one process and the handles that change them. A handle is an index into one array: counting is an
 * addition, and everything there is to write stands in one piece of memory. Values live as long as the process; a handle
 * is made once and kept.
 */
import type { HistogramDefinition, MetricDefinition } from './metric-definition.ts';

const firstCapacity = 256;

export class SeriesStore {
  /** Replaced when it grows: never keep it. */
  values = new Float64Array(firstCapacity);
  size = 0;
  /** Set with the first change after a write. */
  changed = false;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** @returns where the new values begin; all are zero */
  allocate(count: number): number {
    const at = this.size;
    this.size += count;
    if (this.size > this.values.length) {
      const grown = new Float64Array(Math.max(this.size, this.values.length * 2));
      grown.set(this.values);
      this.values = grown;
    }
    return at;
  }

  touch(): void {
    if (this.changed) return;
    this.changed = true;
    this.#onChange();
  }
}

export class Counter {
  readonly #store: SeriesStore;
  readonly #at: number;

  constructor(store: SeriesStore, at: number) {
    this.#store = store;
    this.#at = at;
  }

  /** What is not a finite amount of at least 0 is ignored: one wrong step would spoil the sum for good. */
  add(amount = 1): void {
    if (!(amount >= 0 && amount < Infinity)) return;
    const store = this.#store;
    store.values[this.#at] = (store.values[this.#at] ?? 0) + amount;
    if (!store.changed) store.touch();
  }
}

export class Gauge {
  readonly #store: SeriesStore;
  readonly #at: number;

  constructor(store: SeriesStore, at: number) {
    this.#store = store;
    this.#at = at;
  }

  set(value: number): void {
    this.#store.values[this.#at] = value;
    this.#store.touch();
  }

  add(amount: number): void {
    const { values } = this.#store;
    values[this.#at] = (values[this.#at] ?? 0) + amount;
    this.#store.touch();
  }
}

/** One value a bucket, not yet cumulative, the one without an end last; then the sum. */
export class Histogram {
  readonly #store: SeriesStore;
  readonly #at: number;
  readonly #bounds: readonly number[];

  constructor(store: SeriesStore, at: number, { bounds }: HistogramDefinition) {
    this.#store = store;
    this.#at = at;
    this.#bounds = bounds;
  }

  /** What is not a finite value of at least 0 is ignored, as with a counter. */
  observe(value: number): void {
    if (!(value >= 0 && value < Infinity)) return;
    const bounds = this.#bounds;
    let bucket = 0;
    while (value > (bounds[bucket] ?? Infinity)) bucket++;
    const store = this.#store;
    const { values } = store;
    const bucketAt = this.#at + bucket;
    const sumAt = this.#at + bounds.length + 1;
    values[bucketAt] = (values[bucketAt] ?? 0) + 1;
    values[sumAt] = (values[sumAt] ?? 0) + value;
    if (!store.changed) store.touch();
  }
}

/** How many values one series of the metric has. */
export function seriesWidth(definition: MetricDefinition): number {
  return definition.type === 'histogram' ? definition.bounds.length + 2 : 1;
}
