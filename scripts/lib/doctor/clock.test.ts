import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeClock } from './clock.ts';

const installed = Date.UTC(2026, 10, 25);
const day = 86_400_000;

test('a clock before the files it runs, or out of all reason, is wrong; a day off may be the time zone', () => {
  const judged = [installed + day, installed - day / 2, installed - 2 * day, 0, Date.UTC(2150, 0, 1), Number.NaN];
  assert.deepEqual(
    judged.map(now => judgeClock(now, installed).status),
    ['ok', 'ok', 'fail', 'fail', 'fail', 'fail'],
  );
});

test('files that were copied with an old date do not make an old clock right', () => {
  assert.equal(judgeClock(Date.UTC(2001, 0, 1), 0).status, 'fail');
});
