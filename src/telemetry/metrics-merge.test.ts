import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricDefinition } from './metric-definition.ts';
import { seriesWidth } from './metric-series.ts';
import { type MergePart, mergeMetrics } from './metrics-merge.ts';

const described = { name: 'm', help: 'x', unit: 'x' } as const;

/** One process with one metric: label values and the values of each series. */
function part(definition: MetricDefinition, series: Array<[string[], number[]]>, alive = true): MergePart {
  const width = seriesWidth(definition);
  const metric = { definition, series: series.map(([labels], i) => ({ labels, at: i * width })) };
  const values = Float64Array.from(series.flatMap(([, numbers]) => numbers));
  return { snapshot: { owner: 'x', folded: [], sequence: 1, metrics: [metric], values }, alive };
}

function merged(...parts: MergePart[]): Record<string, number[]> {
  const [metric] = mergeMetrics(parts);
  return Object.fromEntries(metric?.series.map(({ labels, values }) => [labels.join('|'), [...values]]) ?? []);
}

test('counters add up, series by series, also of processes that are gone', () => {
  const counter: MetricDefinition = { ...described, type: 'counter', labels: ['a', 'b'] };
  assert.deepEqual(
    merged(
      part(counter, [
        [['1', '2'], [3]],
        [['12', ''], [1]],
      ]),
      part(counter, [[['1', '2'], [4]]], false),
      part(counter, [[['1', '3'], [5]]]),
    ),
    { '1|2': [7], '12|': [1], '1|3': [5] },
  );
});

test('a gauge is merged by its rule, over the living alone', () => {
  for (const [merge, expected] of [
    ['sum', 5],
    ['max', 3],
    ['min', 2],
  ] as const) {
    const gauge: MetricDefinition = { ...described, type: 'gauge', labels: [], merge };
    assert.deepEqual(merged(part(gauge, [[[], [2]]]), part(gauge, [[[], [3]]]), part(gauge, [[[], [100]]], false)), {
      '': [expected],
    });
  }
});

test('merging changes nothing of what it was given', () => {
  const counter: MetricDefinition = { ...described, type: 'counter', labels: [] };
  const first = part(counter, [[[], [1]]]);
  merged(first, part(counter, [[[], [2]]]));
  assert.deepEqual(first.snapshot.values, Float64Array.of(1));
});

test('a histogram of another release is fitted into the buckets of this one, with count and sum exact', () => {
  const histogram = (...bounds: number[]): MetricDefinition => ({
    ...described,
    type: 'histogram',
    labels: [],
    bounds,
  });
  const ours = part(histogram(1, 5, 10), [[[], [1, 1, 1, 1, 100]]]);
  const theirs = part(histogram(0.5, 2, 10, 20), [[[], [2, 3, 4, 5, 6, 50]]]);
  assert.deepEqual(merged(ours, theirs), { '': [3, 4, 5, 12, 150] });
});

test('labels of another release are kept where this one has them', () => {
  const ours: MetricDefinition = { ...described, type: 'counter', labels: ['route', 'status'] };
  const theirs: MetricDefinition = { ...described, type: 'counter', labels: ['status', 'zone'] };
  assert.deepEqual(
    merged(
      part(ours, [[['/r', '200'], [1]]]),
      part(theirs, [
        [['200', 'a'], [2]],
        [['200', 'b'], [3]],
      ]),
    ),
    { '/r|200': [1], '|200': [5] },
  );
});

test('a metric that is of another type in another release is left out', () => {
  const counter: MetricDefinition = { ...described, type: 'counter', labels: [] };
  const gauge: MetricDefinition = { ...described, type: 'gauge', labels: [], merge: 'sum' };
  assert.deepEqual(merged(part(counter, [[[], [1]]]), part(gauge, [[[], [5]]])), { '': [1] });
});
