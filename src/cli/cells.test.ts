import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellText, durationText, timeText } from './cells.ts';

test('what is absent is a dash, what is no text is told as JSON', () => {
  assert.deepEqual([undefined, null, '', 'x', 0, 1.5, true, { a: 1 }].map(cellText), [
    '-',
    '-',
    '-',
    'x',
    '0',
    '1.5',
    'true',
    '{"a":1}',
  ]);
});

test('a duration has a unit that fits', () => {
  assert.deepEqual([0, 999, 1234, 60_000, 90_000, 3_600_000, 9_000_000, null].map(durationText), [
    '0ms',
    '999ms',
    '1.2s',
    '1m',
    '1m 30s',
    '1h',
    '2h 30m',
    '-',
  ]);
});

test('a time is UTC to the second; what is no time stays as it is', () => {
  assert.deepEqual(['2026-01-01T01:00:00.5+01:00', 'soon', null].map(timeText), ['2026-01-01T00:00:00Z', 'soon', '-']);
});
