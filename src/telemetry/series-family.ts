/**
 * The series of one metric: a handle for each set of label values, made on first use and kept. Their number is bounded;
 * what comes after is counted together, so that a client who invents values costs no memory.
 */
import type { MetricDefinition } from './metric-definition.ts';
import { type SeriesStore, seriesWidth } from './metric-series.ts';
import type { CataloguedMetric, CataloguedSeries } from './metrics-snapshot.ts';

export const otherLabel = 'other';
export const defaultMaxSeries = 2000;
const maxLabelChars = 128;

export interface FamilyOptions<Handle> {
  readonly definition: MetricDefinition;
  readonly store: SeriesStore;
  readonly make: (at: number) => Handle;
  readonly onNewSeries: () => void;
  /** A label set was counted as `other`. */
  readonly onOverflow: () => void;
}

export class SeriesFamily<Label extends string, Handle> {
  readonly #options: FamilyOptions<Handle>;
  readonly #handles = new Map<string, Handle>();
  readonly #series: CataloguedSeries[] = [];
  #other: Handle | undefined;

  constructor(options: FamilyOptions<Handle>) {
    this.#options = options;
  }

  /** For the hot path keep what this returns: finding it again costs more than counting. */
  with(labels: Readonly<Record<Label, string>>): Handle {
    const { definition, onOverflow } = this.#options;
    const values = definition.labels.map(name => labels[name as Label].slice(0, maxLabelChars));
    const key = values.length === 1 ? (values[0] ?? '') : JSON.stringify(values);
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    if (this.#handles.size < (definition.maxSeries ?? defaultMaxSeries)) {
      const handle = this.#make(values);
      this.#handles.set(key, handle);
      return handle;
    }
    onOverflow();
    this.#other ??= this.#make(values.map(() => otherLabel));
    return this.#other;
  }

  catalogued(): CataloguedMetric {
    return { definition: this.#options.definition, series: this.#series };
  }

  #make(labels: readonly string[]): Handle {
    const { definition, store, make, onNewSeries } = this.#options;
    const at = store.allocate(seriesWidth(definition));
    this.#series.push({ labels, at });
    onNewSeries();
    return make(at);
  }
}
