/** Collected metrics as Prometheus reads them (text format 0.0.4). */
import type { CollectedMetrics } from './collect-metrics.ts';
import type { MetricDefinition } from './metric-definition.ts';
import type { MergedSeries } from './metrics-merge.ts';

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

interface Cumulated {
  readonly buckets: ReadonlyArray<{ readonly le: string; readonly count: number }>;
  readonly sum: number;
  readonly count: number;
}

function cumulate(bounds: readonly number[], values: Float64Array): Cumulated {
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
