import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { thisProcess } from '../kernel/process-identity.ts';
import { collectMetrics } from './collect-metrics.ts';
import { metricsFileName } from './metrics-owner.ts';
import { MetricsRegistry } from './metrics-registry.ts';
import { foldDead, readRetired } from './retired-metrics.ts';

const me = thisProcess();
const words = { type: 'counter', name: 'words_total', help: 'x', unit: 'x', labels: ['word'], maxSeries: 50 } as const;

interface SetUp {
  readonly dir: string;
  /** Leaves the file of a process that is gone. */
  readonly leave: (pid: number, counts: Readonly<Record<string, number>>) => Promise<void>;
  readonly counts: () => Promise<Record<string, number>>;
}

function setUp(t: TestContext): SetUp {
  const dir = mkdtempSync(join(tmpdir(), 'deci-retired-'));
  const onFailure = (error: Error): void => assert.fail(error);
  const registry = new MetricsRegistry({ dir, owner: { role: 'control', ...me }, onFailure });
  t.after(async () => {
    await registry.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    dir,
    leave: async (pid, counts) => {
      const gone = new MetricsRegistry({ dir, owner: { role: 'blue', pid, start: '1' }, onFailure });
      const family = gone.counter(words);
      for (const [word, count] of Object.entries(counts)) family.with({ word }).add(count);
      await gone.stop();
    },
    counts: async () => {
      const { metrics } = await collectMetrics({ registry, nudge: async () => undefined });
      const series = metrics.find(one => one.definition.name === words.name)?.series ?? [];
      return Object.fromEntries(series.map(({ labels, values }) => [labels[0] ?? '', values[0] ?? 0]));
    },
  };
}

/** Far above what the kernel gives out. */
const deadPid = 90_000_000;

test('folding is the same sum in one file, and the files are gone', async t => {
  const { dir, leave, counts } = setUp(t);
  await leave(deadPid, { a: 1, b: 2 });
  await leave(deadPid + 1, { b: 3, c: 4 });
  assert.deepEqual(await counts(), { a: 1, b: 5, c: 4 });
  assert.equal(foldDead(dir, me), 2);
  assert.deepEqual(await counts(), { a: 1, b: 5, c: 4 });
  await leave(deadPid + 2, { a: 10 });
  assert.equal(foldDead(dir, me), 1);
  assert.deepEqual(await counts(), { a: 11, b: 5, c: 4 });
  assert.deepEqual(readdirSync(dir).toSorted(), [metricsFileName({ role: 'control', ...me }), 'metrics-retired.bin']);
});

test('killed before the retired file was in its place: nothing is counted twice, and half of it is cleaned away', async t => {
  const { dir, leave, counts } = setUp(t);
  await leave(deadPid, { a: 1 });
  const half = metricsFileName({ role: 'retired', pid: deadPid + 5, start: '1' }, 'tmp');
  writeFileSync(join(dir, half), 'half a file');
  assert.deepEqual(await counts(), { a: 1 });
  foldDead(dir, me);
  assert.deepEqual(await counts(), { a: 1 });
  assert.ok(!readdirSync(dir).includes(half));
});

test('killed after it was in its place and before the files were removed: nothing is counted twice', async t => {
  const { dir, leave, counts } = setUp(t);
  await leave(deadPid, { a: 1 });
  await leave(deadPid + 1, { a: 2 });
  const names = [deadPid, deadPid + 1].map(pid => metricsFileName({ role: 'blue', pid, start: '1' }));
  const kept = mkdtempSync(join(tmpdir(), 'deci-kept-'));
  t.after(() => rmSync(kept, { recursive: true, force: true }));
  for (const name of names) cpSync(join(dir, name), join(kept, name));
  foldDead(dir, me);
  for (const name of names) {
    cpSync(join(kept, name), join(dir, name));
    assert.deepEqual(await counts(), { a: 3 });
  }
  assert.equal(foldDead(dir, me), 0);
  assert.deepEqual(await counts(), { a: 3 });
  assert.ok(!readdirSync(dir).includes(names[0] ?? ''));
});

test('a folder that takes no retired file loses nothing', async t => {
  const { dir, leave, counts } = setUp(t);
  await leave(deadPid, { a: 1 });
  const taken = join(dir, metricsFileName({ role: 'retired', ...me }, 'tmp'));
  mkdirSync(taken);
  assert.throws(() => foldDead(dir, me));
  assert.deepEqual(await counts(), { a: 1 });
  rmSync(taken, { recursive: true });
  assert.equal(foldDead(dir, me), 1);
  assert.deepEqual(await counts(), { a: 1 });
});

test('a folder that is not there is told', t => {
  const { dir } = setUp(t);
  assert.throws(() => foldDead(join(dir, 'missing'), me), /ENOENT/);
});

test('the living are not folded, and of the dead only so many are named', async t => {
  const { dir, leave, counts } = setUp(t);
  for (let i = 0; i < 600; i++) {
    await leave(deadPid + i, { a: 1 });
    if (i % 100 === 99) while (foldDead(dir, me) > 0);
  }
  assert.deepEqual(await counts(), { a: 600 });
  const retired = readRetired(dir);
  assert.ok(retired !== 'damaged');
  assert.equal(retired.folded.length, 512);
  assert.ok(readdirSync(dir).includes(metricsFileName({ role: 'control', ...me })));
});

test('what all that ever were have labelled is bounded too', async t => {
  const { dir, leave, counts } = setUp(t);
  for (let i = 0; i < 4; i++) {
    await leave(deadPid + i, Object.fromEntries(Array.from({ length: 40 }, (_, j) => [`w${i}-${j}`, 1])));
  }
  foldDead(dir, me);
  const after = await counts();
  assert.equal(Object.keys(after).length, 51);
  assert.equal(after['other'], 110);
});
