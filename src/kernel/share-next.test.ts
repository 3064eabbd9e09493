import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareNext } from './share-next.ts';

function setUp() {
  const runs: Array<PromiseWithResolvers<number>> = [];
  const ask = shareNext(() => {
    const run = Promise.withResolvers<number>();
    runs.push(run);
    return run.promise;
  });
  return { runs, ask };
}

test('who asks while it runs gets the next run, all of them the same', async () => {
  const { runs, ask } = setUp();
  const first = ask();
  const later = [ask(), ask(), ask()];
  assert.equal(runs.length, 1);
  runs[0]?.resolve(1);
  assert.equal(await first, 1);
  await Promise.resolve();
  assert.equal(runs.length, 2);
  runs[1]?.resolve(2);
  assert.deepEqual(await Promise.all(later), [2, 2, 2]);
  const again = ask();
  runs[2]?.resolve(3);
  assert.equal(await again, 3);
});

test('a run that fails fails for those who wait for it, and not for the next', async () => {
  const { runs, ask } = setUp();
  const first = ask();
  const second = ask();
  runs[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  await Promise.resolve();
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});
