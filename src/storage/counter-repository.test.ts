import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CounterRepository } from './counter-repository.ts';
import { hotSchema } from './hot-schema.ts';
import { HotStore } from './hot-store.ts';

function counters(t: TestContext, now: () => number = Date.now): CounterRepository {
  const dir = mkdtempSync(join(tmpdir(), 'deci-counters-'));
  const onRebuilt = (error: Error): void => assert.fail(error);
  const store = new HotStore({ dir, name: 'hot', schema: hotSchema, maxBytes: 1024 * 1024, now: Date.now, onRebuilt });
  t.after(() => {
    store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return new CounterRepository({ store, now });
}

test('a counter tells its new total with every addition, also of fractions and of less than nothing', t => {
  const counter = counters(t);
  assert.equal(counter.add('tokens', 10), 10);
  assert.equal(counter.add('tokens', 2.5), 12.5);
  assert.equal(counter.add('tokens', -12.5), 0);
  assert.equal(counter.add('other', 1), 1);
  assert.equal(counter.get('tokens'), 0);
  assert.equal(counter.get('nobody'), 0);
});

test('a window begins with the first addition; when it is over the counter begins again', t => {
  let now = 1000;
  const counter = counters(t, () => now);
  assert.equal(counter.add('rpm', 1, 60_000), 1);
  now += 59_999;
  assert.equal(counter.add('rpm', 1, 60_000), 2);
  now += 1;
  assert.equal(counter.get('rpm'), 0);
  assert.equal(counter.add('rpm', 1, 60_000), 1);
  assert.equal(counter.get('rpm'), 1);
});

test('counters whose window is over are removed, those without one stay', t => {
  let now = 1000;
  const counter = counters(t, () => now);
  counter.add('rpm', 1, 1000);
  counter.add('month', 1);
  now += 1000;
  assert.equal(counter.reapExpired(), 1);
  assert.equal(counter.get('month'), 1);
  counter.reset('month');
  assert.equal(counter.get('month'), 0);
});

test('counters are found by how they begin, as long as their window is open', t => {
  let now = 1000;
  const counter = counters(t, () => now);
  counter.add('failures a', 1, 1000);
  counter.add('failures b', 1, 5000);
  counter.add('failure', 1);
  assert.deepEqual(counter.keys('failures '), ['failures a', 'failures b']);
  now += 1000;
  assert.deepEqual(counter.keys('failures '), ['failures b']);
});

test('counters that begin alike are listed with their totals, as long as their windows last, and begin anew together', t => {
  let now = 1000;
  const counter = counters(t, () => now);
  counter.add('a|x', 2, 10_000);
  counter.add('a|y', 3, 60_000);
  counter.add('b|x', 1);
  assert.deepEqual(counter.list('a|'), [
    { key: 'a|x', total: 2 },
    { key: 'a|y', total: 3 },
  ]);
  now += 10_000;
  assert.deepEqual(counter.list('a|'), [{ key: 'a|y', total: 3 }]);
  counter.resetAll('a|');
  assert.deepEqual([counter.list('a|'), counter.get('b|x')], [[], 1]);
});
