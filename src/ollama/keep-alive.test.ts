import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs } from './keep-alive.ts';

test("durations are read as Go reads them, and what Go refuses is nobody's duration", () => {
  for (const [text, ms] of [
    ['1h30m', 5_400_000],
    ['.5s', 500],
    ['100ms', 100],
    ['0', 0],
    ['0s', 0],
    [1.5, 1500],
    [-1, Number.POSITIVE_INFINITY],
    ['-1s', Number.POSITIVE_INFINITY],
    ['10', undefined],
    ['-1', undefined],
    ['5 m', undefined],
    ['m', undefined],
    ['', undefined],
    [true, undefined],
    ['1s'.repeat(40), undefined],
  ] as const) {
    assert.equal(durationMs(text), ms, String(text));
  }
});
