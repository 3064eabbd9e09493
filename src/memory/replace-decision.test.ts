import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplaceDecision, type ReplaceSigns } from './replace-decision.ts';

const mb = 1024 * 1024;
const limits = { heapBytes: 512 * mb, collectAtBytes: 400 * mb, shedAt: 0.9, rssBytes: 800 * mb };
const well: ReplaceSigns = {
  reading: { liveBytes: 100 * mb, usedBytes: 150 * mb, externalBytes: 0, rssBytes: 250 * mb, container: undefined },
  gcShare: 0.02,
  knownBytes: 50 * mb,
  isShedding: false,
  isLeaking: false,
};

function decision(): { look(atMs: number, signs: Partial<ReplaceSigns>): string | undefined } {
  let now = 0;
  const replace = new ReplaceDecision(limits, () => now);
  return {
    look: (atMs, signs) => {
      now = atMs;
      return replace.look({ ...well, ...signs })?.reason;
    },
  };
}

test('resident memory at its bound counts when it stays there', () => {
  const { look } = decision();
  const reading = { ...well.reading, rssBytes: 810 * mb };
  assert.equal(look(0, { reading }), undefined);
  assert.equal(look(4000, { reading }), undefined);
  assert.equal(look(4500, {}), undefined);
  assert.equal(look(6000, { reading }), undefined, 'it was gone in between');
  assert.equal(look(11_000, { reading }), 'resident_memory');
});

test('memory that refusing work does not free, and that no work explains, is held for good', () => {
  const reading = { ...well.reading, liveBytes: 480 * mb };
  const explained = decision();
  for (const atMs of [0, 2500]) {
    assert.equal(explained.look(atMs, { reading, isShedding: true, knownBytes: 200 * mb }), undefined);
  }
  const held = decision();
  assert.equal(held.look(0, { reading, isShedding: true }), undefined);
  assert.equal(held.look(2000, { reading, isShedding: true }), 'memory_held');
});

test('buffers that no work explains are held as well', () => {
  const reading = { ...well.reading, externalBytes: 640 * mb };
  const { look } = decision();
  look(0, { reading, isShedding: true });
  assert.equal(look(2000, { reading, isShedding: true }), 'memory_held');
});

test('a worker that does little but collect, or leaks fast, is replaced', () => {
  assert.equal(decision().look(0, { gcShare: 0.31 }), 'gc_time');
  assert.equal(decision().look(0, { gcShare: 0.29 }), undefined);
  assert.equal(decision().look(0, { isLeaking: true }), 'leak');
});

test('the first reason stands, with its time, until all have been gone for half a minute', () => {
  let now = 0;
  const replace = new ReplaceDecision(limits, () => now);
  const wanted = { reason: 'gc_time', since: '1970-01-01T00:00:00.000Z' };
  assert.deepEqual(replace.look({ ...well, gcShare: 0.5 }), wanted);
  now = 10_000;
  assert.deepEqual(replace.look({ ...well, isLeaking: true }), wanted);
  now = 39_000;
  assert.deepEqual(replace.look(well), wanted);
  now = 40_000;
  assert.equal(replace.look(well), null);
});
