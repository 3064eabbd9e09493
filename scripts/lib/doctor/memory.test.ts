import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeFree, judgeLimit } from './memory.ts';

const need = { workers: 2, rssMaxMb: 1024 };
const gb = 1024 ** 3;

test('free memory and what our workers hold already must be enough for all that they may take', () => {
  assert.deepEqual(
    [judgeFree(need, 2 * gb, 0).status, judgeFree(need, 1.5 * gb, 0).status, judgeFree(need, 1.5 * gb, gb / 2).status],
    ['ok', 'warn', 'ok'],
  );
  assert.equal(judgeFree(need, gb, 0).detail, '1.0 GB free for 2 x 1024 MB at most (DECI_WORKERS x RSS_MAX_MB)');
});

test('a limit of the control group counts only where it is one', () => {
  const total = 8 * gb;
  assert.deepEqual(
    [0, 2 ** 64, total, 4 * gb, gb].map(limit => judgeLimit(need, limit, total).status),
    ['ok', 'ok', 'ok', 'ok', 'warn'],
  );
});
