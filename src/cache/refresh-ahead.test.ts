import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recording } from './recording.ts';
import { RefreshAhead } from './refresh-ahead.ts';

function setUp() {
  const state = {
    nowMs: 0,
    isIdle: true,
    held: new Set<string>(),
    takes: 0,
    keptMs: [] as number[],
    results: [] as string[],
    /** How long ago another worker has recorded the answer. */
    otherAgeMs: Number.POSITIVE_INFINITY,
  };
  const refresh = new RefreshAhead<string>({
    ttlMs: 1000,
    after: 0.9,
    now: () => state.nowMs,
    isIdle: () => state.isIdle,
    leases: {
      take: ({ key }) => {
        state.takes++;
        return state.held.has(key) ? undefined : state.held.add(key) && key;
      },
      renew: (key, ttlMs) => (state.keptMs.push(ttlMs) > 0 && state.held.has(key) ? key : undefined),
      release: key => state.held.delete(key),
    },
    maxMs: 1000,
    onRefreshed: result => state.results.push(result),
  });
  const recording = new Recording(Buffer.from('{"done":true}\n'), { model: 'm', tenant: 't', recordedAtMs: 0 });
  const run = (key: string, make: () => Promise<void>): Promise<boolean> =>
    refresh.run({ key, hit: recording, takeOver: maxAgeMs => state.otherAgeMs < maxAgeMs, make });
  return { state, refresh, recording, run };
}

test('an answer is made anew when it is asked for often, is nearly too old, and nobody waits', () => {
  const { state, refresh, recording } = setUp();
  state.nowMs = 899;
  for (let use = 0; use < 10; use++) assert.equal(refresh.isDue(recording), false);
  state.nowMs = 900;
  assert.equal(refresh.isDue(recording), true);
  state.isIdle = false;
  assert.equal(refresh.isDue(recording), false);
});

test('what is asked for seldom gets too old', () => {
  const { state, refresh, recording } = setUp();
  state.nowMs = 950;
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => refresh.isDue(recording)),
    [false, false, false, false, true],
  );
});

test('one at a time, and each by one worker', async () => {
  const { state, refresh, recording, run } = setUp();
  const made = Promise.withResolvers<void>();
  const running = run('k', () => made.promise);
  state.nowMs = 950;
  recording.uses = 10;
  assert.equal(refresh.isDue(recording), false);
  assert.equal(await run('other', async () => assert.fail('two at a time')), false);
  made.resolve();
  assert.equal(await running, true);
  assert.deepEqual([state.results, state.held.size], [['refreshed'], 0]);
  state.held.add('k');
  assert.equal(await run('k', async () => assert.fail('another worker does it')), false);
});

test('what another worker makes is not asked for with every use', async () => {
  const { state, run } = setUp();
  state.held.add('k');
  for (let use = 0; use < 10; use++) assert.equal(await run('k', async () => assert.fail('twice')), false);
  assert.equal(state.takes, 1);
  state.nowMs += 1000;
  state.held.clear();
  assert.equal(await run('k', async () => undefined), true);
});

test('what another worker has made meanwhile is taken over, not made again', async () => {
  const { state, run } = setUp();
  state.nowMs = 950;
  state.otherAgeMs = 949;
  await run('k', async () => assert.fail('it was made already'));
  assert.deepEqual([state.results, state.held.size], [[], 0]);
  state.otherAgeMs = 950;
  await run('k', async () => undefined);
  assert.deepEqual(state.results, ['refreshed']);
});

test('what failed is left alone for a minute, by all workers, and other answers are not', async () => {
  const { state, run } = setUp();
  let tries = 0;
  const fail = async (): Promise<void> => {
    tries++;
    throw new Error('no');
  };
  assert.equal(await run('k', fail), true);
  assert.deepEqual([state.results, [...state.held], state.keptMs], [['failed'], ['k'], [60_000]]);
  state.nowMs += 59_999;
  assert.equal(await run('k', fail), false);
  assert.equal(await run('other', async () => undefined), true);
  state.nowMs += 1;
  state.held.clear();
  assert.equal(await run('k', fail), true);
  assert.equal(tries, 2);
});

test('when very many fail, nothing is made anew for a while', async () => {
  const { state, run } = setUp();
  for (let i = 0; i < 300; i++) await run(`k${i}`, async () => Promise.reject(new Error('no')));
  assert.equal(state.results.length, 256);
  state.nowMs += 60_000;
  assert.equal(await run('one more', async () => undefined), true);
});
