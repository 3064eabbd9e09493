/**
 * The metrics of this process. Changes are in memory at once and in its file within 20 ms, or when `flush` returns: what
 * was flushed survives a kill, and only that is ever shown to anybody.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import type { CounterDefinition, GaugeDefinition, HistogramDefinition, MetricDefinition } from './metric-definition.ts';
import { Counter, Gauge, Histogram, SeriesStore } from './metric-series.ts';
import { MetricsFile, type MetricsFileOptions } from './metrics-file.ts';
import { type MetricsOwner, ownerText } from './metrics-owner.ts';
import type { CataloguedMetric, MetricsSnapshot } from './metrics-snapshot.ts';
import { SeriesFamily } from './series-family.ts';

/** The most that a kill can take along, as long as the event loop turns. */
const flushAfterMs = 20;
/** A folder that does not take a write is not asked again at every change. */
const retryAfterMs = 1000;

export const overflowMetric = {
  type: 'counter',
  name: 'deci_metrics_label_overflow_total',
  help: 'Lookups of a label set that was counted as "other" because its metric had too many.',
  unit: 'lookups',
  labels: ['metric'],
} satisfies CounterDefinition;

export class MetricsRegistry implements Resource {
  readonly name = 'metrics-registry';
  readonly dir: string;
  readonly owner: MetricsOwner;
  readonly #file: MetricsFile;
  readonly #store = new SeriesStore(() => this.#flushSoon(flushAfterMs));
  readonly #families = new Map<string, { catalogued(): CataloguedMetric }>();
  readonly #samplers: Array<() => void> = [];
  readonly #overflow: SeriesFamily<'metric', Counter>;
  /** The catalogue as it stands in the file; made anew after a series was added. */
  #catalogue: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: MetricsFileOptions) {
    this.dir = options.dir;
    this.owner = options.owner;
    this.#file = new MetricsFile(options);
    this.#overflow = this.counter(overflowMetric);
  }

  async start(): Promise<void> {
    this.flush();
  }

  /** The last state is written; what is counted afterwards stays in memory. */
  async stop(): Promise<void> {
    this.flush();
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#file.close();
  }

  counter<const Label extends string>(definition: CounterDefinition<Label>): SeriesFamily<Label, Counter> {
    return this.#add(definition, at => new Counter(this.#store, at));
  }

  gauge<const Label extends string>(definition: GaugeDefinition<Label>): SeriesFamily<Label, Gauge> {
    return this.#add(definition, at => new Gauge(this.#store, at));
  }

  histogram<const Label extends string>(definition: HistogramDefinition<Label>): SeriesFamily<Label, Histogram> {
    return this.#add(definition, at => new Histogram(this.#store, at, definition));
  }

  /** The sampler is called before every `flush`, to set gauges that nobody sets otherwise. */
  sample(sampler: () => void): void {
    this.#samplers.push(sampler);
  }

  /** Never throws. Afterwards the file has everything that was counted, unless the folder does not take it. */
  flush(): void {
    if (this.#stopped) return;
    for (const sampler of this.#samplers) sampler();
    this.#write();
  }

  /** What this process knows, for the one that shows it. Valid until the next turn of the event loop. */
  snapshot(): MetricsSnapshot {
    return { ...this.#describe(), sequence: 0, values: this.#store.values };
  }

  #add<Label extends string, Handle>(
    definition: MetricDefinition<Label>,
    make: (at: number) => Handle,
  ): SeriesFamily<Label, Handle> {
    const { name } = definition;
    if (this.#families.has(name)) throw new Error(`the metric ${name} exists already`);
    const family = new SeriesFamily<Label, Handle>({
      definition,
      store: this.#store,
      make,
      onNewSeries: () => {
        this.#catalogue = undefined;
        this.#store.touch();
      },
      onOverflow: () => this.#overflow.with({ metric: name }).add(),
    });
    this.#families.set(name, family);
    return family;
  }

  #describe(): { owner: string; folded: string[]; metrics: CataloguedMetric[] } {
    return {
      owner: ownerText(this.owner),
      folded: [],
      metrics: [...this.#families.values()].map(family => family.catalogued()),
    };
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#store.changed = false;
    this.#catalogue ??= Buffer.from(JSON.stringify(this.#describe()));
    const written = this.#file.write(this.#catalogue, this.#store.values.subarray(0, this.#store.size));
    if (written) return;
    this.#store.changed = true;
    this.#flushSoon(retryAfterMs);
  }

  #flushSoon(afterMs: number): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => this.#write(), afterMs).unref();
  }
}
