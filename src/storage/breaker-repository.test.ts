import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BreakerRepository, type BreakerRow } from './breaker-repository.ts';
import { hotSchema } from './hot-schema.ts';
import { HotStore } from './hot-store.ts';

function repositories(t: TestContext): [BreakerRepository, BreakerRepository] {
  const dir = mkdtempSync(join(tmpdir(), 'deci-breakers-'));
  const open = () =>
    new HotStore({
      dir,
      name: 'hot',
      schema: hotSchema,
      maxBytes: 8 * 1024 * 1024,
      now: Date.now,
      onRebuilt: error => assert.fail(error),
    });
  const stores = [open(), open()] as const;
  t.after(() => {
    for (const store of stores) store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return [new BreakerRepository(stores[0]), new BreakerRepository(stores[1])];
}

const row = (changes: Partial<BreakerRow>): BreakerRow => ({
  name: 'a m',
  state: 'open',
  sinceMs: 100,
  untilMs: 200,
  opens: 1,
  cause: 'upstream_broken',
  ...changes,
});

test('what one process writes the other reads, and of two that open it one is the first', t => {
  const [mine, other] = repositories(t);
  assert.equal(mine.put(row({})), true);
  assert.equal(other.put(row({ sinceMs: 101 })), false);
  assert.deepEqual(other.all(), [row({})]);
  assert.equal(other.put(row({ state: 'half_open', sinceMs: 150 })), true);
  assert.equal(mine.all()[0]?.state, 'half_open');
});

test('a later state is not written over by an earlier one', t => {
  const [mine, other] = repositories(t);
  mine.put(row({ state: 'closed', sinceMs: 300 }));
  assert.equal(other.put(row({ state: 'half_open', sinceMs: 299 })), false);
  assert.equal(mine.all()[0]?.state, 'closed');
});

test('those that have long been closed are forgotten, open ones are not', t => {
  const [mine] = repositories(t);
  mine.put(row({ name: 'a', state: 'closed', sinceMs: 1 }));
  mine.put(row({ name: 'b', sinceMs: 1 }));
  assert.equal(mine.forget(2), 1);
  assert.deepEqual(
    mine.all().map(({ name }) => name),
    ['b'],
  );
});
