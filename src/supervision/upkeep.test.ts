import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Upkeep } from './upkeep.ts';

test('each task is done at once and again on its own schedule, and one that fails keeps no other from running', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const done = { often: 0, seldom: 0, failing: 0 };
  const failures: string[] = [];
  const upkeep = new Upkeep({
    tasks: [
      { name: 'often', everyMs: 1000, run: async () => void done.often++ },
      { name: 'seldom', everyMs: 10_000, run: async () => void done.seldom++ },
      {
        name: 'failing',
        everyMs: 1000,
        run: async () => {
          done.failing++;
          throw new Error('disk full');
        },
      },
    ],
    random: () => 0.5,
    onFailure: (task, error) => failures.push(`${task}: ${String(error)}`),
  });
  await upkeep.start();
  const pass = async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms);
    for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve));
  };
  await pass(0);
  assert.deepEqual(done, { often: 1, seldom: 1, failing: 1 });
  for (let i = 0; i < 9; i++) await pass(1000);
  assert.deepEqual(done, { often: 10, seldom: 1, failing: 10 });
  await pass(1000);
  assert.equal(done.seldom, 2);
  assert.deepEqual(failures, ['failing: Error: disk full'], 'the first of many failures in a row is told');
  await upkeep.stop();
  await pass(60_000);
  assert.equal(done.seldom, 2);
});

test('what would fail again is tried less often; what may work the next time is not', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const done = { connection: 0, right: 0 };
  const failing = (name: keyof typeof done, code: string) => async (): Promise<void> => {
    done[name]++;
    throw Object.assign(new Error(code), { code });
  };
  const upkeep = new Upkeep({
    tasks: [
      { name: 'connection', everyMs: 1000, run: failing('connection', 'ECONNREFUSED') },
      { name: 'right', everyMs: 1000, run: failing('right', 'EACCES') },
    ],
    random: () => 0.5,
    onFailure: () => undefined,
  });
  await upkeep.start();
  for (let second = 0; second <= 8; second++) {
    t.mock.timers.tick(second === 0 ? 0 : 1000);
    for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve));
  }
  await upkeep.stop();
  assert.deepEqual(done, { connection: 9, right: 3 });
});
