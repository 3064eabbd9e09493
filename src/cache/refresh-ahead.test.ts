import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recording } from './recording.ts';
import { RefreshAhead } from './refresh-ahead.ts';

function setUp() {
  const state = { nowMs: 0, isIdle: true, held: new Set<string>(), results: [] as string[] };
  const refresh = new RefreshAhead<string>({
    ttlMs: 1000,
    after: 0.9,
    now: () => state.nowMs,
    isIdle: () => state.isIdle,
    leases: {
      take: ({ key }) => (state.held.has(key) ? undefined : state.held.add(key) && key),
      release: key => state.held.delete(key),
    },
    maxMs: 1000,
    onRefreshed: result => state.results.push(result),
  });
  const recording = new Recording(Buffer.from('{"done":true}\n'), { model: 'm', tenant: 't', recordedAtMs: 0 });
  return { state, refresh, recording };
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
  const { state, refresh, recording } = setUp();
  const made = Promise.withResolvers<void>();
  const running = refresh.run('k', () => made.promise);
  state.nowMs = 950;
  recording.uses = 10;
  assert.equal(refresh.isDue(recording), false);
  assert.equal(await refresh.run('other', async () => assert.fail('two at a time')), false);
  made.resolve();
  assert.equal(await running, true);
  assert.deepEqual([state.results, state.held.size], [['refreshed'], 0]);
  state.held.add('k');
  assert.equal(await refresh.run('k', async () => assert.fail('another worker does it')), false);
});

test('a failure is told and ends it', async () => {
  const { state, refresh } = setUp();
  assert.equal(await refresh.run('k', async () => Promise.reject(new Error('no'))), true);
  assert.deepEqual([state.results, state.held.size], [['failed'], 0]);
});
