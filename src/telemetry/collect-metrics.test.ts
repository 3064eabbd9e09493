import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../test/support/until.ts';
import { isAlive, processStart, thisProcess } from '../kernel/process-identity.ts';
import { type CollectedMetrics, collectMetrics } from './collect-metrics.ts';
import { type MetricsOwner, metricsFileName } from './metrics-owner.ts';
import { MetricsRegistry } from './metrics-registry.ts';
import { foldDead } from './retired-metrics.ts';

const script = fileURLToPath(new URL('../../test/support/metrics-process.ts', import.meta.url));

interface Told {
  readonly counted?: number;
  readonly answer?: number;
  readonly folded?: number;
}

class Counting {
  readonly child: ChildProcess;
  readonly owner: MetricsOwner;
  /** What it last said to have flushed. */
  counted = 0;
  readonly #waiting = new Map<number, () => void>();
  #asked = 0;

  constructor(dir: string, role: string) {
    this.child = fork(script, [dir, role, 'count'], { stdio: 'inherit' });
    const pid = this.child.pid ?? 0;
    this.owner = { role, pid, start: processStart(pid) ?? '' };
    this.child.on('message', ({ counted = 0, answer = 0 }: Told) => {
      this.counted = counted;
      this.#waiting.get(answer)?.();
      this.#waiting.delete(answer);
    });
  }

  rest(): Promise<void> {
    return this.#ask(true);
  }

  flush(): Promise<void> {
    return this.#ask(false);
  }

  #ask(rest: boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#asked++;
    this.#waiting.set(this.#asked, resolve);
    this.child.send({ ask: this.#asked, rest });
    return promise;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}

/** A folder, a collecting process (this one), and what it started. */
function setUp(t: TestContext): {
  dir: string;
  registry: MetricsRegistry;
  start: (role: string) => Promise<Counting>;
  collect: (nudgeTimeoutMs?: number) => Promise<CollectedMetrics>;
} {
  const dir = mkdtempSync(join(tmpdir(), 'deci-metrics-'));
  const started: Counting[] = [];
  const onFailure = (error: Error): void => assert.fail(error);
  const registry = new MetricsRegistry({ dir, owner: { role: 'control', ...thisProcess() }, onFailure });
  t.after(async () => {
    await Promise.all(started.map(one => one.kill()));
    await registry.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    dir,
    registry,
    start: async role => {
      const one = new Counting(dir, role);
      started.push(one);
      await once(one.child, 'message');
      return one;
    },
    collect: (nudgeTimeoutMs = 5000) =>
      collectMetrics({
        registry,
        nudgeTimeoutMs,
        nudge: async ({ pid }) => started.find(({ owner }) => owner.pid === pid)?.flush(),
      }),
  };
}

function values(collected: CollectedMetrics, name: string): readonly number[] {
  return [...(collected.metrics.find(one => one.definition.name === name)?.series[0]?.values ?? [])];
}

const total = (collected: CollectedMetrics): number => values(collected, 'test_total')[0] ?? 0;

/** Test of whole histograms: as many observations as counts, with the sum that belongs to them. */
function histogramCount(collected: CollectedMetrics): number {
  const [first = 0, second = 0, third = 0] = values(collected, 'test_seconds');
  return first + second + third;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

test('totals are the sum over four processes, to the last count, also after one was killed and folded', async t => {
  const { dir, start, collect } = setUp(t);
  const all = await Promise.all(['blue', 'blue', 'green', 'green'].map(start));
  await Promise.all(all.map(one => one.rest()));
  const expected = sum(all.map(one => one.counted));
  const before = await collect();
  assert.equal(total(before), expected);
  assert.equal(histogramCount(before), expected);
  assert.deepEqual(values(before, 'test_alive'), [4]);
  assert.equal(before.processes.filter(one => one.answered).length, 5);

  await all[0]?.kill();
  const after = await collect();
  assert.equal(total(after), expected);
  assert.equal(histogramCount(after), expected);
  assert.deepEqual(values(after, 'test_alive'), [3]);

  assert.equal(foldDead(dir, thisProcess()).folded, 1);
  assert.equal(total(await collect()), expected);
  assert.equal(foldDead(dir, thisProcess()).folded, 0);
  assert.equal(total(await collect()), expected);
});

test('a killed process leaves at least what it had flushed', async t => {
  const { start, collect } = setUp(t);
  for (let round = 0; round < 5; round++) {
    const before = total(await collect());
    const one = await start('blue');
    for (let heard = 0; heard <= round * 3; heard++) await once(one.child, 'message');
    const flushed = one.counted;
    await one.kill();
    const after = await collect();
    assert.ok(total(after) >= before + flushed, `${total(after)} < ${before} + ${flushed}`);
    assert.equal(histogramCount(after), total(after));
  }
});

test('what is counted is in the file soon, although nobody flushes', async t => {
  const { registry, collect } = setUp(t);
  const definition = { type: 'counter', name: 'mine_total', help: 'x', unit: 'x', labels: [] } as const;
  registry.counter(definition).with({}).add(3);
  const other = new MetricsRegistry({
    dir: registry.dir,
    owner: { role: 'other', pid: process.pid, start: '1' },
    onFailure: error => assert.fail(error),
  });
  other.counter(definition).with({}).add(4);
  const mine = async (): Promise<number> => values(await collect(), 'mine_total')[0] ?? 0;
  await until('both are counted', async () => (await mine()) === 7);
  await other.stop();
});

test('a frozen process counts with its last flush and holds up nobody', async t => {
  const { start, collect } = setUp(t);
  const frozen = await start('blue');
  const well = await start('blue');
  await Promise.all([frozen.rest(), well.rest()]);
  frozen.child.kill('SIGSTOP');
  const startedAt = performance.now();
  const collected = await collect(100);
  const tookMs = performance.now() - startedAt;
  assert.equal(total(collected), frozen.counted + well.counted);
  assert.equal(collected.processes.find(one => one.owner.pid === frozen.owner.pid)?.answered, false);
  assert.equal(collected.processes.find(one => one.owner.pid === well.owner.pid)?.answered, true);
  const up = collected.metrics.find(one => one.definition.name === 'deci_up')?.series ?? [];
  assert.deepEqual(up.find(one => one.labels[0] === `blue-${frozen.owner.pid}`)?.values, Float64Array.of(0));
  assert.ok(tookMs < 1000, `${tookMs} ms`);
});

test('damaged and foreign files are left out and counted, and other files are nobody’s business', async t => {
  const { dir, registry, start, collect } = setUp(t);
  const one = await start('blue');
  await one.rest();
  await one.kill();
  const intact = join(dir, metricsFileName(one.owner));
  registry.flush();
  copyFileSync(intact, join(dir, 'metrics-blue-99999999-1.bin'));
  writeFileSync(join(dir, 'metrics-blue-99999998-1.bin'), 'not ours');
  writeFileSync(join(dir, 'metrics-blue-99999997-1.bin'), '');
  writeFileSync(join(dir, 'metrics-of-somebody.bin'), 'x');
  writeFileSync(join(dir, 'hot.db'), 'x');
  symlinkSync(intact, join(dir, 'metrics-blue-99999996-1.bin'));
  copyFileSync(intact, join(dir, 'metrics-retired.bin'));
  truncateSync(join(dir, 'metrics-retired.bin'), 100);
  const collected = await collect();
  assert.equal(total(collected), one.counted);
  assert.equal(collected.skippedFiles, 5);
  assert.deepEqual(values(collected, 'deci_metrics_files_skipped'), [5]);

  assert.equal(foldDead(dir, thisProcess()).folded, 1);
  const folded = await collect();
  assert.equal(total(folded), one.counted);
  assert.equal(folded.skippedFiles, 1, 'the one whose name is nobody’s stays');
});

test('a fold in the middle of a collection changes no sum', async t => {
  const { dir, collect } = setUp(t);
  const folder = fork(script, [dir, 'control', 'fold'], { stdio: 'inherit' });
  t.after(() => folder.kill('SIGKILL'));
  await once(folder, 'message');
  const onFailure = (error: Error): void => assert.fail(error);
  // What it leaves appears at once: the dead do not write, and the folding one could come in between.
  const aside = mkdtempSync(join(tmpdir(), 'deci-metrics-'));
  t.after(() => rmSync(aside, { recursive: true, force: true }));
  for (let i = 1; i <= 400; i++) {
    // Above every pid that the kernel gives out.
    const owner = { role: 'blue', pid: 90_000_000 + i, start: '1' };
    const gone = new MetricsRegistry({ dir: aside, owner, onFailure });
    const labels = ['label'] as const;
    gone.counter({ type: 'counter', name: 'test_total', help: 'x', unit: 'x', labels }).with({ label: 'a' }).add();
    await gone.stop();
    renameSync(join(aside, metricsFileName(owner)), join(dir, metricsFileName(owner)));
    for (let scrape = 0; scrape < 5; scrape++)
      assert.equal(total(await collect(0)), i, `process ${i}, scrape ${scrape}`);
  }
});

test('counters never run backwards while processes and the folding one are killed and restarted', async t => {
  const { dir, start, collect } = setUp(t);
  const scrapes = 300;
  const workers = await Promise.all(['blue', 'blue', 'green', 'green'].map(start));
  const killed: Counting[] = [];
  let folder: ChildProcess | undefined;
  let folds = 0;
  const startFolder = (): ChildProcess =>
    fork(script, [dir, 'control', 'fold'], { stdio: 'inherit' }).on('message', ({ folded = 0 }: Told) => {
      folds += folded;
    });
  t.after(() => folder?.kill('SIGKILL'));
  let last = 0;
  for (let i = 0; i < scrapes; i++) {
    folder ??= startFolder();
    const collected = await collect(i % 7 === 0 ? 1 : 5000);
    const now = total(collected);
    assert.ok(now >= last, `scrape ${i}: ${now} after ${last}`);
    last = now;
    if (i % 15 === 5) {
      const victim = i % workers.length;
      killed.push(workers[victim]!);
      await workers[victim]!.kill();
      workers[victim] = await start(i % 2 === 0 ? 'blue' : 'green');
    }
    if (i % 20 === 9) {
      folder.kill('SIGKILL');
      folder = undefined;
    }
  }
  folder?.kill('SIGKILL');
  await Promise.all(workers.map(one => one.rest()));
  const end = await collect();
  const all = [...workers, ...killed];
  assert.ok(total(end) >= sum(all.map(one => one.counted)));
  assert.equal(histogramCount(end), total(end));
  if (folder !== undefined && folder.pid !== undefined) {
    const identity = { pid: folder.pid, start: '' };
    await until('the folding process is gone', () => !isAlive(identity));
  }
  folds += foldDead(dir, thisProcess()).folded;
  assert.equal(total(await collect()), total(end));
  assert.ok(folds > 0);
});
