/** What doctor says of crash reports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FoundCrash, judgeCrashes } from './crashes.ts';

const day = 86_400_000;
const crash = (ageDays: number, count = 1): FoundCrash => ({
  path: '/data/crash-reports/crash-0123456789ab.json',
  changedAtMs: 100 * day - ageDays * day,
  report: {
    kind: 'uncaught_exception',
    source: 'deci-blue',
    cause: { name: 'TypeError', message: 'x is\nnot a function', stack: [] },
    count,
    time: '2026-11-25T19:00:00.000Z',
  },
});

test('no report, or an old one, is well; one of this week is a warning in one line that says where to read', () => {
  assert.deepEqual(judgeCrashes([], 100 * day), { status: 'ok', detail: 'none' });
  assert.equal(judgeCrashes([crash(8)], 100 * day).status, 'ok');
  const { status, detail, fix } = judgeCrashes([crash(1, 3), crash(2), crash(9)], 100 * day);
  assert.equal(status, 'warn');
  assert.match(
    detail,
    /^deci-blue: TypeError: x is not a function, 3 times, last at 2026-11-25.*, and 1 other faults$/,
  );
  assert.match(fix ?? '', /crash-0123456789ab\.json/);
});
