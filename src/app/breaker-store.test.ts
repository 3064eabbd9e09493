import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BreakerBoard } from '../resilience/breaker-board.ts';
import { BreakerRepository } from '../storage/breaker-repository.ts';
import { CounterRepository } from '../storage/counter-repository.ts';
import { hotSchema } from '../storage/hot-schema.ts';
import { HotStore } from '../storage/hot-store.ts';
import { LeaseRepository } from '../storage/lease-repository.ts';
import { createBreakerStore } from './breaker-store.ts';

function setUp(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'deci-breakers-'));
  const onRebuilt = (error: Error): void => assert.fail(error);
  const hot = new HotStore({ dir, name: 'hot', schema: hotSchema, maxBytes: 1024 * 1024, now: Date.now, onRebuilt });
  t.after(() => {
    hot.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const time = { nowMs: 1_000_000 };
  const now = (): number => time.nowMs;
  const counters = new CounterRepository({ store: hot, now });
  const leases = new LeaseRepository({
    store: hot,
    self: { pid: process.pid, start: 'x' },
    now,
    random: Math.random,
    isAlive: () => true,
    onReaped: () => undefined,
  });
  const store = createBreakerStore({ breakers: new BreakerRepository(hot), counters, leases });
  const board = (): BreakerBoard =>
    new BreakerBoard({
      limits: { failures: 5, resetMs: 60_000 },
      hosts: ['h:1'],
      store,
      mayOpen: () => 'on',
      onChange: () => undefined,
      nowMs: now,
      random: () => 1,
    });
  return { time, store, board };
}

const key = 'h:1 m:latest';
const ask = (number: number) => ({ owner: `o${number}`, body: String(number) });

test('half of at least five fail, spread over two workers: it opens; what is older than a minute does not count', t => {
  const { board, store, time } = setUp(t);
  const [mine, other] = [board(), board()];
  const fail = (of: BreakerBoard, number: number): void =>
    of.enter('h:1', 'm:latest', ask(number))?.failed('server_error', 'upstream_refused');
  fail(mine, 1);
  fail(mine, 2);
  time.nowMs += 65_000;
  assert.deepEqual(store.withFailures(), []);
  fail(mine, 3);
  other.enter('h:1', 'm:latest', ask(1))?.succeeded();
  other.sync();
  assert.deepEqual(store.withFailures(), [key]);
  fail(other, 4);
  mine.enter('h:1', 'm:latest', ask(2))?.succeeded();
  mine.sync();
  assert.equal(mine.standing('h:1', 'm:latest'), 'closed');
  fail(other, 5);
  assert.equal(other.standing('h:1', 'm:latest'), 'open');
  assert.deepEqual([store.outcomes(key), store.withFailures()], [[], []]);
});

test('successes are told only for as long as somebody fails', t => {
  const { board, store, time } = setUp(t);
  const [mine, other] = [board(), board()];
  const succeed = (): void => other.enter('h:1', 'm:latest', ask(1))?.succeeded();
  mine.enter('h:1', 'm:latest', ask(2))?.failed('server_error', 'upstream_refused');
  succeed();
  other.sync();
  assert.deepEqual(
    store
      .outcomes(key)
      ?.map(outcome => outcome.key.split(' ')[1])
      .toSorted(),
    ['failed', 'ok', 'served'],
  );
  time.nowMs += 65_000;
  succeed();
  other.sync();
  assert.deepEqual(store.outcomes(key), []);
});
