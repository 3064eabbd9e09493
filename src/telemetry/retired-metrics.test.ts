import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { thisProcess } from '../kernel/process-identity.ts';
import { collectMetrics } from './collect-metrics.ts';
import { metricsFileName, retiredFileNames } from './metrics-owner.ts';
import { MetricsRegistry } from './metrics-registry.ts';
import { type FoldResult, foldDead, readRetired } from './retired-metrics.ts';

const me = thisProcess();
const words = { type: 'counter', name: 'words_total', help: 'x', unit: 'x', labels: ['word'], maxSeries: 50 } as const;

interface SetUp {
  readonly skippedFiles: () => Promise<number>;
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
  const collect = () => collectMetrics({ registry, nudge: async () => undefined });
  return {
    dir,
    leave: async (pid, counts) => {
      const gone = new MetricsRegistry({ dir, owner: { role: 'blue', pid, start: '1' }, onFailure });
      const family = gone.counter(words);
      for (const [word, count] of Object.entries(counts)) family.with({ word }).add(count);
      await gone.stop();
    },
    skippedFiles: async () => (await collect()).skippedFiles,
    counts: async () => {
      const { metrics } = await collect();
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
  assert.deepEqual(foldDead(dir, me), { folded: 2, lost: 0 });
  assert.deepEqual(await counts(), { a: 1, b: 5, c: 4 });
  await leave(deadPid + 2, { a: 10 });
  assert.deepEqual(foldDead(dir, me), { folded: 1, lost: 0 });
  assert.deepEqual(await counts(), { a: 11, b: 5, c: 4 });
  assert.deepEqual(readdirSync(dir).toSorted(), [
    metricsFileName({ role: 'control', ...me }),
    retiredFileNames.copy,
    retiredFileNames.file,
  ]);
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
  assert.deepEqual(foldDead(dir, me), { folded: 0, lost: 0 });
  assert.deepEqual(await counts(), { a: 3 });
  assert.ok(!readdirSync(dir).includes(names[0] ?? ''));
});

const { file, copy, damaged } = retiredFileNames;
const ruin = (dir: string, name: string): void => writeFileSync(join(dir, name), 'nonsense'.repeat(100));

/** What each call says, until there is nothing left to do. */
function foldAll(dir: string): FoldResult[] {
  return [foldDead(dir, me), foldDead(dir, me)];
}

async function folded(t: TestContext): Promise<SetUp> {
  const made = setUp(t);
  await made.leave(deadPid, { a: 1 });
  foldDead(made.dir, me);
  await made.leave(deadPid + 1, { a: 2 });
  foldDead(made.dir, me);
  assert.deepEqual(await made.counts(), { a: 3 });
  return made;
}

const losses: ReadonlyArray<readonly [string, (dir: string) => void, number]> = [
  ['the retired file is damaged', dir => ruin(dir, file), 1],
  ['the retired file is cut to nothing', dir => writeFileSync(join(dir, file), ''), 1],
  ['the retired file is removed', dir => rmSync(join(dir, file)), 0],
  ['its copy is damaged', dir => ruin(dir, copy), 1],
  ['its copy is removed', dir => rmSync(join(dir, copy)), 0],
];

for (const [what, inflict, lost] of losses) {
  test(`${what}: no sum changes, the next round tells of it once and makes it good`, async t => {
    const { dir, leave, counts, skippedFiles } = await folded(t);
    for (let round = 0; round < 2; round++) {
      inflict(dir);
      assert.deepEqual(await counts(), { a: 3 + round });
      assert.deepEqual(foldAll(dir), [
        { folded: 0, lost },
        { folded: 0, lost: 0 },
      ]);
      assert.deepEqual(await counts(), { a: 3 + round });
      inflict(dir);
      await leave(deadPid + 2 + round, { a: 1 });
      assert.deepEqual(foldAll(dir), [
        { folded: 1, lost },
        { folded: 0, lost: 0 },
      ]);
      assert.deepEqual(await counts(), { a: 4 + round });
    }
    // One damaged file is kept, however often it happens, and is nobody's business any more.
    const control = metricsFileName({ role: 'control', ...me });
    const kept = lost > 0 ? [damaged] : [];
    assert.deepEqual(readdirSync(dir).toSorted(), [control, copy, file, ...kept].toSorted());
    assert.equal(await skippedFiles(), 0);
  });
}

test('with both files damaged what they held is lost, which is told, and what dies from then on is counted', async t => {
  const { dir, leave, counts, skippedFiles } = await folded(t);
  ruin(dir, file);
  ruin(dir, copy);
  assert.equal(await skippedFiles(), 2);
  await leave(deadPid + 2, { a: 5 });
  assert.deepEqual(await counts(), { a: 5 });
  assert.deepEqual(foldAll(dir), [
    { folded: 1, lost: 2 },
    { folded: 0, lost: 0 },
  ]);
  assert.deepEqual(await counts(), { a: 5 });
});

test('what a dead process left damaged is dropped and told once; what it never wrote is no loss', async t => {
  const { dir, leave, counts } = await folded(t);
  await leave(deadPid + 2, { a: 5 });
  const nameOf = (pid: number): string => metricsFileName({ role: 'blue', pid, start: '1' });
  ruin(dir, nameOf(deadPid + 2));
  cpSync(join(dir, metricsFileName({ role: 'control', ...me })), join(dir, nameOf(deadPid + 3)));
  writeFileSync(join(dir, nameOf(deadPid + 4)), '');
  // Contained already: damage to what is left of it costs nothing.
  ruin(dir, nameOf(deadPid));
  assert.deepEqual(foldAll(dir), [
    { folded: 0, lost: 2 },
    { folded: 0, lost: 0 },
  ]);
  assert.deepEqual(await counts(), { a: 3 });
  for (let pid = deadPid; pid < deadPid + 5; pid++) assert.ok(!readdirSync(dir).includes(nameOf(pid)));
});

/** Of strace: kills a process at a system call of its choice. */
const tracer = 'strace';
const noTracer = spawnSync(tracer, ['-V']).error === undefined ? {} : { skip: `${tracer} is not installed` };

/** Folds in a process that is killed before that call of that name. @returns whether it came so far */
function foldKilledAt(dir: string, name: string, call: number): boolean {
  const code = `
    const { foldDead } = await import(${JSON.stringify(new URL('retired-metrics.ts', import.meta.url).href)});
    foldDead(process.argv[1], { pid: process.pid, start: '1' });`;
  const tracing = ['-f', '-qqq', '-o', '/dev/null', '-e', `inject=${name}:signal=KILL:when=${call}`];
  const running = [process.execPath, '--input-type=module', '-e', code, dir];
  const { status, signal, stderr } = spawnSync(tracer, [...tracing, ...running], { encoding: 'utf8' });
  assert.ok(signal === 'SIGKILL' || status === 0, stderr);
  return signal === 'SIGKILL';
}

/** Ruins a file for as long as the work takes. */
async function without(dir: string, name: string, work: () => Promise<void>): Promise<void> {
  const bytes = readFileSync(join(dir, name));
  ruin(dir, name);
  await work();
  writeFileSync(join(dir, name), bytes);
}

const disturbances = [['nothing is damaged', (): void => undefined] as const, ...losses];

for (const [what, inflict] of disturbances) {
  test(`folding while ${what} is killed at each of its steps, and every sum stays exact`, noTracer, async t => {
    const { dir, leave, counts } = await folded(t);
    let expected = 3;
    const steps = { rename: 0, '/^unlink': 0 };
    for (const name of ['rename', '/^unlink'] as const) {
      for (let isKilled = true; isKilled; ) {
        const pid = deadPid + 10 * (expected + 1);
        await leave(pid, { a: 1 });
        await leave(pid + 1, { a: 1 });
        expected += 2;
        inflict(dir);
        isKilled = foldKilledAt(dir, name, steps[name] + 1);
        if (isKilled) steps[name]++;
        assert.deepEqual(await counts(), { a: expected }, `${name} ${steps[name]}`);
        if (inflict === disturbances[0]?.[1]) {
          const isStillExact = async () => assert.deepEqual(await counts(), { a: expected }, `${name} ${steps[name]}`);
          for (const one of [file, copy]) await without(dir, one, isStillExact);
        }
        foldDead(dir, me);
        assert.deepEqual(await counts(), { a: expected });
      }
    }
    // Two files are put in place, two are removed.
    assert.ok(steps.rename >= 2 && steps['/^unlink'] >= 2, JSON.stringify(steps));
  });
}

test('a folder that takes no retired file loses nothing', async t => {
  const { dir, leave, counts } = setUp(t);
  await leave(deadPid, { a: 1 });
  const taken = join(dir, metricsFileName({ role: 'retired', ...me }, 'tmp'));
  mkdirSync(taken);
  assert.throws(() => foldDead(dir, me));
  assert.deepEqual(await counts(), { a: 1 });
  rmSync(taken, { recursive: true });
  assert.deepEqual(foldDead(dir, me), { folded: 1, lost: 0 });
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
    if (i % 100 === 99) while (foldDead(dir, me).folded > 0);
  }
  assert.deepEqual(await counts(), { a: 600 });
  assert.equal(readRetired(dir).snapshot.folded.length, 512);
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
