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
