/** How many slots a model has is learnt from what the host does with them, by all workers together. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, chat } from '../integration/wire.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';

/** Callers enough to use every slot, until they are done or it holds. */
async function under(cluster: TestCluster, holds: () => boolean, withinMs: number): Promise<void> {
  const load = { on: true };
  const callers = Array.from({ length: 8 }, async () => {
    while (load.on) await ask(cluster, '/api/chat', chat('x'));
  });
  const deadline = performance.now() + withinMs;
  while (!holds() && performance.now() < deadline) await pause(20);
  load.on = false;
  await Promise.all(callers);
}

// Each has a host and a cluster of its own, and waits for them most of the time.
describe('slots are learnt', { concurrency: true }, () => {
  test('a model begins with one slot and gets more while its host is faster with them', async () => {
    await using cluster = await startCluster({
      slots: { model: undefined, host: 3 },
      fakeOptions: { numParallel: 3, tokens: 10, tokenMs: 5 },
    });
    await ask(cluster, '/api/chat', chat('one'));
    assert.equal(cluster.control.state().maxConcurrent, 1);
    const grown = (): boolean => cluster.control.state().maxConcurrent === 3;
    await under(cluster, grown, 20_000);
    assert.ok(grown(), `${cluster.control.state().maxConcurrent} at once`);
  });

  test('a host that works on one at a time gets one at a time again, so that its own line stays empty', async () => {
    await using cluster = await startCluster({
      slots: { model: undefined, host: 5 },
      fakeOptions: { numParallel: 1, tokens: 30, tokenMs: 25 },
    });
    let most = 0;
    const watching = new AbortController();
    const watched = cluster.control
      .waitFor(({ waiting }) => {
        most = Math.max(most, waiting);
        return false;
      }, watching.signal)
      .catch(() => undefined);
    await under(cluster, () => false, 12_000);
    watching.abort();
    await watched;
    // It was tried, and given up: two at once is one too many for this host.
    assert.equal(most, 1);
  });
});
