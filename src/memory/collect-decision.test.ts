import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CollectState, firstPauses, nextPauses, whyCollect } from './collect-decision.ts';

const mb = 1024 * 1024;
const limits = { heapBytes: 512 * mb, collectAtBytes: 400 * mb, shedAt: 0.9, rssBytes: 800 * mb };
const idle: CollectState = { sinceMajorMs: 60_000, pauses: firstPauses, utilisation: 0.1, isUnderPressure: false };
const heap = (used: number, live: number): { usedBytes: number; liveBytes: number } => ({
  usedBytes: used * mb,
  liveBytes: live * mb,
});

test('above 400 MB garbage is collected only where there is some, the worker has time, and not too often', () => {
  assert.equal(whyCollect(heap(420, 300), limits, idle), 'early');
  assert.equal(whyCollect(heap(390, 100), limits, idle), undefined);
  assert.equal(whyCollect(heap(420, 380), limits, idle), undefined);
  assert.equal(whyCollect(heap(420, 300), limits, { ...idle, utilisation: 0.8 }), undefined);
  assert.equal(whyCollect(heap(420, 300), limits, { ...idle, sinceMajorMs: 20_000 }), undefined);
});

test('at the bound it must be known whether it is garbage, however busy the worker is', () => {
  const busy = { ...idle, utilisation: 1, sinceMajorMs: 2500 };
  assert.equal(whyCollect(heap(470, 300), limits, busy), 'confirm');
  assert.equal(whyCollect(heap(430, 420), limits, { ...busy, isUnderPressure: true }), 'confirm');
  assert.equal(whyCollect(heap(470, 300), limits, { ...busy, sinceMajorMs: 1000 }), undefined);
});

test('an idle worker is looked at now and then, so that a slow leak is found', () => {
  assert.equal(whyCollect(heap(60, 50), limits, { ...idle, sinceMajorMs: 301_000 }), 'look');
  assert.equal(whyCollect(heap(60, 50), limits, idle), undefined);
});

test('a collection that does not help is made less and less often, and as before once it helps', () => {
  const early = (pause: number, after: number): number =>
    nextPauses({ early: pause, confirm: 2000 }, 'early', 420, after).early;
  assert.equal(early(30_000, 400), 60_000);
  assert.equal(early(400_000, 400), 600_000);
  assert.equal(early(600_000, 300), 30_000);
  assert.deepEqual(nextPauses(firstPauses, 'confirm', 420, 400), { early: 30_000, confirm: 4000 });
  assert.deepEqual(nextPauses({ early: 30_000, confirm: 8000 }, 'confirm', 420, 400).confirm, 8000);
  assert.equal(nextPauses(firstPauses, 'look', 50, 50), firstPauses);
});
