/**
 * Many processes' metrics as one. Counters and histograms of everybody add up, also of those that are gone; a gauge says
 * how things are, so only the living have one. Processes of two releases may describe a metric differently: the first
 * description given is the one that holds, and what others counted is fitted into it.
 */
import type { GaugeMerge, HistogramDefinition, MetricDefinition } from './metric-definition.ts';
import { seriesWidth } from './metric-series.ts';
import type { CataloguedMetric, MetricsSnapshot } from './metrics-snapshot.ts';

export interface MergedSeries {
  /** Values of the metric's labels, in their order; empty where this series has no such label. */
  readonly labels: readonly string[];
  /** One for a counter or gauge; the buckets, not cumulative, and the sum for a histogram. */
  readonly values: Float64Array;
}

export interface MergedMetric {
  readonly definition: MetricDefinition;
  readonly series: readonly MergedSeries[];
}

export interface MergePart {
  readonly snapshot: MetricsSnapshot;
  readonly alive: boolean;
}

interface Family {
  readonly definition: MetricDefinition;
  readonly series: Map<string, MergedSeries>;
}

export function mergeMetrics(parts: readonly MergePart[]): MergedMetric[] {
  const families = new Map<string, Family>();
  for (const { snapshot, alive } of parts) {
    for (const metric of snapshot.metrics) {
      if (metric.definition.type === 'gauge' && !alive) continue;
      const family = familyOf(families, metric.definition);
      if (family.definition.type === metric.definition.type) addMetric(family, metric, snapshot.values);
    }
  }
  return [...families.values()].map(({ definition, series }) => ({ definition, series: [...series.values()] }));
}

function familyOf(families: Map<string, Family>, definition: MetricDefinition): Family {
  const known = families.get(definition.name);
  if (known !== undefined) return known;
  const family: Family = { definition, series: new Map() };
  families.set(definition.name, family);
  return family;
}

function addMetric({ definition, series }: Family, metric: CataloguedMetric, values: Float64Array): void {
  const width = seriesWidth(metric.definition);
  const relabel = relabelling(metric.definition.labels, definition.labels);
  const fit = fitting(metric.definition, definition);
  const combine = definition.type === 'gauge' ? gaugeMerges[definition.merge] : sum;
  for (const one of metric.series) {
    const labels = relabel(one.labels);
    const added = fit(values.slice(one.at, one.at + width));
    const key = labels.length === 1 ? (labels[0] ?? '') : JSON.stringify(labels);
    const before = series.get(key);
    if (before === undefined) series.set(key, { labels, values: added });
    else for (let i = 0; i < added.length; i++) before.values[i] = combine(before.values[i] ?? 0, added[i] ?? 0);
  }
}

const sum = (a: number, b: number): number => a + b;
const gaugeMerges: Readonly<Record<GaugeMerge, (a: number, b: number) => number>> = {
  sum,
  max: Math.max,
  min: Math.min,
};

function relabelling(from: readonly string[], to: readonly string[]): (labels: readonly string[]) => readonly string[] {
  if (from.length === to.length && from.every((name, i) => name === to[i])) return labels => labels;
  const places = to.map(name => from.indexOf(name));
  return labels => places.map(place => labels[place] ?? '');
}

/** What was at most a bound is at most the next higher one too: buckets move up, counts and sums stay exact. */
function fitting(from: MetricDefinition, to: MetricDefinition): (values: Float64Array) => Float64Array {
  if (from.type !== 'histogram' || to.type !== 'histogram' || isSameBounds(from, to)) return values => values;
  const width = seriesWidth(to);
  const places = from.bounds.map(bound => {
    const place = to.bounds.findIndex(wider => wider >= bound);
    return place === -1 ? width - 2 : place;
  });
  places.push(width - 2, width - 1);
  return values => {
    const fitted = new Float64Array(width);
    for (const [i, place] of places.entries()) fitted[place] = (fitted[place] ?? 0) + (values[i] ?? 0);
    return fitted;
  };
}

function isSameBounds({ bounds }: HistogramDefinition, other: HistogramDefinition): boolean {
  return bounds.length === other.bounds.length && bounds.every((bound, i) => bound === other.bounds[i]);
}
