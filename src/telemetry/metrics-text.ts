/** Collected metrics as Prometheus reads them (text format 0.0.4), and the same as JSON. */
import type { CollectedMetrics } from './collect-metrics.ts';
import type { MetricDefinition } from './metric-definition.ts';
import type { MergedMetric, MergedSeries } from './metrics-merge.ts';
import { ownerText } from './metrics-owner.ts';

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

export function renderMetricsText({ metrics }: CollectedMetrics): string {
  let text = '';
  for (const { definition, series } of metrics) {
    if (series.length === 0) continue;
    text += `# HELP ${definition.name} ${escapeHelp(definition.help)}\n# TYPE ${definition.name} ${definition.type}\n`;
    for (const one of series) text += seriesText(definition, one);
  }
  return text;
}

function seriesText(definition: MetricDefinition, { labels, values }: MergedSeries): string {
  const { name } = definition;
  const pairs = labels.flatMap((value, i) => (value === '' ? [] : [`${definition.labels[i]}="${escapeLabel(value)}"`]));
  const own = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  if (definition.type !== 'histogram') return `${name}${own} ${numberText(values[0] ?? 0)}\n`;
  const { buckets, sum, count } = cumulate(definition.bounds, values);
  const before = pairs.length === 0 ? '' : `${pairs.join(',')},`;
  const lines = buckets.map(({ le, count: below }) => `${name}_bucket{${before}le="${le}"} ${below}\n`);
  return `${lines.join('')}${name}_sum${own} ${numberText(sum)}\n${name}_count${own} ${count}\n`;
}

export interface HistogramJson {
  readonly labels: Readonly<Record<string, string>>;
  /** Cumulative, as in the text. */
  readonly buckets: ReadonlyArray<{ readonly le: string; readonly count: number }>;
  readonly sum: number;
  readonly count: number;
}

export interface MetricsJson {
  readonly processes: ReadonlyArray<{ readonly process: string; readonly role: string; readonly answered: boolean }>;
  readonly skipped_files: number;
  readonly metrics: ReadonlyArray<{
    readonly name: string;
    readonly type: MetricDefinition['type'];
    readonly help: string;
    readonly unit: string;
    readonly series: ReadonlyArray<
      HistogramJson | { readonly labels: Readonly<Record<string, string>>; readonly value: number }
    >;
  }>;
}

export function metricsJson({ processes, skippedFiles, metrics }: CollectedMetrics): MetricsJson {
  return {
    processes: processes.map(({ owner, answered }) => ({ process: ownerText(owner), role: owner.role, answered })),
    skipped_files: skippedFiles,
    metrics: metrics.map(({ definition, series }) => {
      const { name, type, help, unit } = definition;
      return { name, type, help, unit, series: series.map(one => seriesJson(definition, one)) };
    }),
  };
}

function seriesJson(
  definition: MergedMetric['definition'],
  { labels, values }: MergedSeries,
): MetricsJson['metrics'][number]['series'][number] {
  const named = Object.fromEntries(
    labels.flatMap((value, i) => (value === '' ? [] : [[definition.labels[i] ?? '', value] as const])),
  );
  if (definition.type !== 'histogram') return { labels: named, value: values[0] ?? 0 };
  return { labels: named, ...cumulate(definition.bounds, values) };
}

function cumulate(bounds: readonly number[], values: Float64Array): Omit<HistogramJson, 'labels'> {
  let count = 0;
  const buckets = [...bounds, Infinity].map((bound, i) => {
    count += values[i] ?? 0;
    return { le: numberText(bound), count };
  });
  return { buckets, sum: values[bounds.length + 1] ?? 0, count };
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
