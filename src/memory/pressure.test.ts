import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemoryLimits, type MemoryReading, type MemoryStage, nextStage, pressureOf } from './pressure.ts';

const mb = 1024 * 1024;
const limits: MemoryLimits = { heapBytes: 512 * mb, collectAtBytes: 400 * mb, shedAt: 0.9, rssBytes: 800 * mb };
const calm: MemoryReading = {
  liveBytes: 100 * mb,
  usedBytes: 150 * mb,
  externalBytes: 10 * mb,
  rssBytes: 150 * mb,
  container: undefined,
};

test('garbage alone is no pressure; used heap that stays high is', () => {
  const reading = { ...calm, usedBytes: 470 * mb };
  assert.deepEqual(pressureOf(reading, limits, false), { cause: 'live_heap', value: 100 / 512 });
  assert.deepEqual(pressureOf(reading, limits, true), { cause: 'used_heap', value: 470 / 512 });
});

test('buffers count, although they are not in the heap', () => {
  const { cause, value } = pressureOf({ ...calm, externalBytes: 640 * mb }, limits, false);
  assert.deepEqual([cause, value], ['buffers', 740 / 800]);
});

test('resident memory that heap and buffers do not explain sheds nothing: that would not give it back', () => {
  assert.notEqual(pressureOf({ ...calm, rssBytes: 790 * mb }, limits, false).cause, 'resident');
  const explained = pressureOf({ ...calm, rssBytes: 760 * mb, usedBytes: 460 * mb }, limits, false);
  assert.deepEqual(explained, { cause: 'resident', value: 760 / 800 });
});

test('the limit of the container counts', () => {
  const container = { workingSetBytes: 95, limitBytes: 100 };
  assert.deepEqual(pressureOf({ ...calm, container }, limits, false), { cause: 'container', value: 0.95 });
});

test('each stage ends lower than it begins', () => {
  const way: Array<[number, MemoryStage]> = [
    [0.5, 'normal'],
    [0.84, 'normal'],
    [0.86, 'shrink'],
    [0.82, 'shrink'],
    [0.91, 'shed'],
    [0.81, 'shed'],
    [0.96, 'end'],
    [0.93, 'end'],
    [0.92, 'shed'],
    [0.79, 'normal'],
    [0.96, 'end'],
    [0.5, 'normal'],
  ];
  let stage: MemoryStage = 'normal';
  for (const [value, expected] of way) {
    stage = nextStage(stage, value, 0.9);
    assert.equal(stage, expected, String(value));
  }
});
