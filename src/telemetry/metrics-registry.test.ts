import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { thisProcess } from '../kernel/process-identity.ts';
import { collectMetrics } from './collect-metrics.ts';
import { readMetricsFile } from './metrics-file.ts';
import { metricsFileName } from './metrics-owner.ts';
import { MetricsRegistry } from './metrics-registry.ts';

const owner = { role: 'blue', ...thisProcess() };
const words = { type: 'counter', name: 'words_total', help: 'Words.', unit: 'words', labels: ['word'] } as const;

function setUp(t: TestContext): { dir: string; path: string; registry: MetricsRegistry; failures: string[] } {
  const parent = mkdtempSync(join(tmpdir(), 'deci-registry-'));
  const dir = join(parent, 'hot');
  const failures: string[] = [];
  const registry = new MetricsRegistry({ dir, owner, onFailure: error => failures.push(error.message) });
  t.after(async () => {
    await registry.stop();
    rmSync(parent, { recursive: true, force: true });
  });
  return { dir, path: join(dir, metricsFileName(owner)), registry, failures };
}

/** What the file says of each word. */
function wordsIn(path: string): Record<string, number> {
  const snapshot = readMetricsFile(path);
  if (typeof snapshot === 'string') return assert.fail(snapshot);
  const metric = snapshot.metrics.find(one => one.definition.name === words.name);
  return Object.fromEntries(metric?.series.map(({ labels, at }) => [labels[0] ?? '', snapshot.values[at] ?? 0]) ?? []);
}

test('what was flushed is in a file for the owner alone, whatever else is added later', t => {
  const { dir, path, registry } = setUp(t);
  const family = registry.counter(words);
  family.with({ word: 'a' }).add();
  registry.flush();
  assert.deepEqual(wordsIn(path), { a: 1 });
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  for (let i = 0; i < 1000; i++) family.with({ word: `w${i}` }).add(i);
  family.with({ word: 'a' }).add(2);
  registry.flush();
  assert.equal(wordsIn(path)['a'], 3);
  assert.equal(wordsIn(path)['w999'], 999);
  assert.deepEqual(readdirSync(dir), [metricsFileName(owner)]);
});

test('a change is written 20 ms later, all changes of a moment at once', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { path, registry } = setUp(t);
  const counter = registry.counter(words).with({ word: 'a' });
  registry.flush();
  counter.add();
  t.mock.timers.tick(19);
  counter.add();
  assert.deepEqual(wordsIn(path), { a: 0 });
  t.mock.timers.tick(1);
  assert.deepEqual(wordsIn(path), { a: 2 });
  counter.add();
  t.mock.timers.tick(20);
  assert.deepEqual(wordsIn(path), { a: 3 });
});

test('an amount that would turn a counter back or spoil it is ignored', t => {
  const { path, registry } = setUp(t);
  const counter = registry.counter(words).with({ word: 'a' });
  const bounds = [1];
  const histogram = registry.histogram({ ...words, name: 'seconds', type: 'histogram', labels: [], bounds }).with({});
  for (const wrong of [-1, Number.NaN, Infinity, -Infinity]) {
    counter.add(wrong);
    histogram.observe(wrong);
  }
  counter.add(2);
  histogram.observe(1);
  histogram.observe(1.5);
  registry.flush();
  assert.deepEqual(wordsIn(path), { a: 2 });
  const snapshot = registry.snapshot();
  const at = snapshot.metrics.find(one => one.definition.name === 'seconds')?.series[0]?.at ?? -1;
  assert.deepEqual(snapshot.values.slice(at, at + 3), Float64Array.of(1, 1, 2.5));
});

test('label sets are bounded: more are counted as other, and that is counted', t => {
  const { path, registry } = setUp(t);
  const family = registry.counter({ ...words, maxSeries: 3 });
  for (const word of ['a', 'b', 'c', 'd', 'e', 'a', 'd']) family.with({ word }).add();
  registry.flush();
  assert.deepEqual(wordsIn(path), { a: 2, b: 1, c: 1, other: 3 });
  const snapshot = registry.snapshot();
  const overflow = snapshot.metrics.find(one => one.definition.name === 'deci_metrics_label_overflow_total');
  assert.deepEqual(overflow?.series[0]?.labels, [words.name]);
  assert.equal(snapshot.values[overflow?.series[0]?.at ?? -1], 3);
});

test('a long label value is cut', t => {
  const { path, registry } = setUp(t);
  registry
    .counter(words)
    .with({ word: 'x'.repeat(10_000) })
    .add();
  registry.flush();
  assert.equal(Object.keys(wordsIn(path))[0]?.length, 128);
});

test('a metric exists once, and a role must fit into a file name', t => {
  const { dir, registry } = setUp(t);
  registry.counter(words);
  assert.throws(() => registry.counter(words), /words_total exists already/);
  assert.throws(
    () => new MetricsRegistry({ dir, owner: { ...owner, role: '../x' }, onFailure: () => undefined }),
    /role of a process/,
  );
});

test('a folder that is removed is told once and made again with everything that was counted', t => {
  const { dir, path, registry, failures } = setUp(t);
  const counter = registry.counter(words).with({ word: 'a' });
  counter.add();
  registry.flush();
  rmSync(dir, { recursive: true });
  counter.add();
  registry.flush();
  registry.flush();
  assert.deepEqual(wordsIn(path), { a: 2 });
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? '', /was removed/);
});

test('where nothing can be written the process counts on in memory, says so once, and writes when it can again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { dir, path, registry, failures } = setUp(t);
  writeFileSync(dir, 'in the way');
  const counter = registry.counter(words).with({ word: 'a' });
  for (let i = 0; i < 10; i++) {
    counter.add();
    registry.flush();
  }
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? '', /EEXIST|ENOTDIR/);
  const { metrics } = await collectMetrics({ registry, nudge: async () => undefined });
  const shown = metrics.find(one => one.definition.name === words.name)?.series[0];
  assert.deepEqual(shown?.values, Float64Array.of(10));
  rmSync(dir);
  t.mock.timers.tick(1000);
  assert.deepEqual(wordsIn(path), { a: 10 });
});

test('the last state is written when the registry stops, and nothing after it', async t => {
  const { path, registry } = setUp(t);
  const counter = registry.counter(words).with({ word: 'a' });
  await registry.start();
  counter.add();
  await registry.stop();
  counter.add();
  registry.flush();
  assert.deepEqual(wordsIn(path), { a: 1 });
});
