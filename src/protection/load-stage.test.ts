import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefused, isShedding, type LoadReading, type LoadStage, loadStages, nextLoadStage } from './load-stage.ts';

const limits = { shedAt: 0.95, delayMs: 500 };
const from = (stage: LoadStage, reading: Partial<LoadReading>): LoadStage =>
  nextLoadStage(stage, { utilisation: 0, delayMs: 0, ...reading }, limits);

test('delay refuses one class after the other, interactive requests last', () => {
  const table: ReadonlyArray<readonly [number, LoadStage]> = [
    [0, 'normal'],
    [249, 'normal'],
    [250, 'lean'],
    [499, 'lean'],
    [500, 'background'],
    [999, 'background'],
    [1000, 'batch'],
    [1999, 'batch'],
    [2000, 'interactive'],
    [60_000, 'interactive'],
  ];
  for (const [delayMs, stage] of table) assert.equal(from('normal', { delayMs }), stage, `${delayMs} ms`);
});

test('a loop that is used to the full and late for nobody refuses background work alone', () => {
  assert.equal(from('normal', { utilisation: 0.94 }), 'normal');
  assert.equal(from('normal', { utilisation: 0.95 }), 'lean');
  assert.equal(from('normal', { utilisation: 0.97 }), 'lean');
  assert.equal(from('normal', { utilisation: 0.975 }), 'background');
  assert.equal(from('normal', { utilisation: 1 }), 'background');
});

test('a stage ends lower than it began, and one step at a time', () => {
  assert.equal(from('background', { delayMs: 450 }), 'background');
  assert.equal(from('background', { delayMs: 399 }), 'lean');
  assert.equal(from('lean', { delayMs: 210 }), 'lean');
  assert.equal(from('lean', { delayMs: 199 }), 'normal');
  assert.equal(from('interactive', { delayMs: 1700 }), 'interactive');
  assert.equal(from('background', { utilisation: 0.93 }), 'background');
  assert.equal(from('background', { utilisation: 0.92 }), 'lean');
  assert.equal(from('lean', { utilisation: 0.89 }), 'normal');
  const way: LoadStage[] = ['interactive'];
  while (way.at(-1) !== 'normal' && way.length < 10) way.push(from(way.at(-1) ?? 'normal', {}));
  assert.deepEqual(way, loadStages.toReversed());
});

test('it rises at once, over several stages', () => {
  assert.equal(from('lean', { delayMs: 5000 }), 'interactive');
  assert.equal(from('batch', { delayMs: 2000 }), 'interactive');
});

test('no reading makes it flap: what began a stage does not end it', () => {
  for (const stage of loadStages) {
    for (let delayMs = 0; delayMs <= 3000; delayMs += 10) {
      for (const utilisation of [0, 0.9, 0.94, 0.95, 0.975, 1]) {
        const next = from(stage, { delayMs, utilisation });
        const rank = loadStages.indexOf(next);
        const again = loadStages.indexOf(from(next, { delayMs, utilisation }));
        const fell = rank < loadStages.indexOf(stage);
        assert.ok(fell ? again <= rank : again === rank, `${stage} ${delayMs} ${utilisation}`);
      }
    }
  }
});

test('who is refused at which stage', () => {
  const refused = (stage: LoadStage): string[] =>
    (['background', 'batch', 'interactive'] as const).filter(priority => isRefused(stage, priority));
  assert.deepEqual(loadStages.map(refused), [
    [],
    [],
    ['background'],
    ['background', 'batch'],
    ['background', 'batch', 'interactive'],
  ]);
  assert.deepEqual(loadStages.map(isShedding), [false, false, true, true, true]);
});
