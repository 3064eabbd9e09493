import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryGuard, type RawReading } from './memory-guard.ts';

const mb = 1024 * 1024;

/** A guard that never starts its loop: each look is asked for. `live` is what a collection leaves. */
function setUp() {
  const heap = { used: 100, live: 100, external: 0, known: 50, utilisation: 0.1, mayAct: true };
  let atMs = 0;
  const told: string[] = [];
  const read = (): RawReading => ({
    usedBytes: heap.used * mb,
    externalBytes: heap.external * mb,
    rssBytes: 200 * mb,
    container: undefined,
  });
  const guard = new MemoryGuard({
    limits: { heapBytes: 512 * mb, collectAtBytes: 400 * mb, shedAt: 0.9, rssBytes: 800 * mb },
    read,
    knownBytes: () => heap.known * mb,
    utilisation: () => heap.utilisation,
    effects: {
      apply: async stage => {
        told.push(stage);
        return heap.mayAct && stage !== 'normal' && stage !== 'shrink';
      },
      collect: async reason => {
        told.push(reason);
        heap.used = heap.live;
        return true;
      },
      onCollected: () => undefined,
      onReplace: replace => told.push(`replace: ${replace?.reason ?? 'no'}`),
      onLeak: leak => told.push(leak === undefined ? 'no leak' : 'leak'),
    },
    refresh: async () => undefined,
    clock: () => atMs,
    now: () => atMs,
    random: () => 0.5,
    onFailure: error => assert.fail(String(error)),
  });
  const look = async (afterMs: number, changes: Partial<typeof heap> = {}): Promise<string[]> => {
    atMs += afterMs;
    Object.assign(heap, changes);
    told.length = 0;
    await guard.look();
    return [...told];
  };
  return { look, guard };
}

test('garbage up to the bound is collected, and nothing is refused for it', async () => {
  const { look, guard } = setUp();
  assert.deepEqual(await look(60_000, { used: 480, live: 100 }), ['confirm']);
  assert.equal(guard.view.stage, 'normal');
});

test('what a collection leaves decides at once; what stays high right behind one, at the third look', async () => {
  const { look } = setUp();
  assert.deepEqual(await look(60_000, { used: 480, live: 470 }), ['confirm', 'shed']);

  const { look: again } = setUp();
  await again(60_000, { used: 480, live: 100 });
  assert.deepEqual(await again(250, { used: 475 }), []);
  assert.deepEqual(await again(250, { used: 475 }), []);
  assert.deepEqual(await again(250, { used: 475 }), ['shed']);
});

test('it is over when memory is back, which a collection tells', async () => {
  const { look } = setUp();
  await look(60_000, { used: 480, live: 470 });
  assert.deepEqual(await look(1000, { live: 100 }), []);
  assert.deepEqual(await look(3500), ['confirm', 'normal']);
});

test('memory that refusing does not give back, and no request explains, asks for a replacement', async () => {
  const { look } = setUp();
  await look(60_000, { used: 480, live: 480 });
  assert.deepEqual(await look(1000), []);
  assert.deepEqual(await look(1000), ['replace: memory_held']);
});

test('a slow leak is told a day before its end, and asks for a replacement half an hour before it', async () => {
  const { look } = setUp();
  const told: string[] = [];
  for (let minute = 0; minute < 200 && !told.includes('replace: leak'); minute++) {
    const live = 100 + 2 * minute;
    told.push(...(await look(60_000, { used: live, live, utilisation: 0.1 })));
  }
  assert.deepEqual(
    told.filter(each => each !== 'look'),
    ['leak', 'replace: leak'],
  );
});

test('buffers that leak are found as well', async () => {
  const { look } = setUp();
  const told: string[] = [];
  for (let minute = 0; minute < 200 && !told.includes('leak'); minute++) {
    told.push(...(await look(60_000, { external: 100 + 2 * minute })));
  }
  assert.deepEqual(
    told.filter(each => each !== 'look'),
    ['leak'],
  );
});
