import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WallClock } from './daily-schedule.ts';
import { Recycle, type RecycleOptions, type RecyclePlan } from './recycle.ts';

const never = new AbortController().signal;
const night: WallClock = { day: '2026-05-06', minutes: 121 };

function setUp(changes: Partial<RecycleOptions> = {}) {
  const state = {
    plan: undefined as RecyclePlan | undefined,
    plans: [] as RecyclePlan[],
    lastDay: '2026-05-05' as string | undefined | null,
    views: [1, 2].map(pid => ({ pid, state: 'ready' })),
    replaced: [] as number[],
    listed: new Set([1, 2]),
    nowMs: Date.parse('2026-05-06T02:01:00Z'),
  };
  const recycle = new Recycle({
    workers: 2,
    atMinutes: 120,
    views: () => state.views,
    replace: async pid => {
      state.replaced.push(pid);
      return 'healed';
    },
    isListed: async pid => state.listed.has(pid),
    plan: {
      read: () => state.plan,
      write: plan => {
        state.plan = plan;
        state.plans.push(plan);
      },
      remove: () => void (state.plan = undefined),
    },
    newId: () => 'ID',
    now: () => new Date(state.nowMs),
    wallClock: () => night,
    daily: {
      lastDay: () => state.lastDay,
      remember: async day => void (state.lastDay = day),
    },
    takeTurn: () => () => undefined,
    replaceMs: 1000,
    ...changes,
  });
  return { recycle, state };
}

test('at the time of day it is due once, and the day is remembered before anything is done', async () => {
  const { recycle, state } = setUp();
  const [episode] = await recycle.detect();
  assert.deepEqual([episode?.id, episode?.trigger.signal, state.lastDay], ['ID', 'recycle_daily', '2026-05-06']);
  assert.deepEqual(state.replaced, []);
  assert.equal((await episode?.act(never))?.result, 'healed');
  assert.deepEqual([state.replaced, state.plan], [[1, 2], undefined]);
  assert.deepEqual(await recycle.detect(), []);
});

test('a day that cannot be remembered is left out: it would be done again and again', async () => {
  const { recycle, state } = setUp({
    daily: {
      lastDay: () => '2026-05-05',
      remember: async () => {
        throw new Error('the disk is full');
      },
    },
  });
  await assert.rejects(recycle.detect());
  assert.equal(state.plan, undefined);
});

test('while nobody can say when it was done, and where it is switched off, only what is asked for is done', async () => {
  for (const { recycle, state } of [setUp({ atMinutes: undefined }), setUp({ daily: unknown })]) {
    assert.deepEqual(await recycle.detect(), []);
    recycle.ask('asked');
    assert.equal((await recycle.detect())[0]?.trigger.signal, 'recycle_asked');
    assert.deepEqual(state.plan?.pids, [1, 2]);
  }
});

const unknown: RecycleOptions['daily'] = {
  lastDay: () => null,
  remember: async () => assert.fail('nothing to remember'),
};

test('it waits until all serve that should, and is given up with a record when they do not', async () => {
  const { recycle, state } = setUp();
  recycle.ask('asked');
  state.views = [{ pid: 1, state: 'ready' }];
  assert.deepEqual(await recycle.detect(), []);
  state.nowMs += 121 * 60_000;
  const [episode] = await recycle.detect();
  assert.match(episode?.decision ?? '', /too few workers/);
  assert.equal((await episode?.act(never))?.result, 'no_effect');
  assert.deepEqual([state.replaced, state.plan], [[], undefined]);
});

test('what is under way is what was asked for', () => {
  const { recycle, state } = setUp();
  const first = recycle.ask('daily');
  assert.equal(recycle.ask('asked'), first);
  assert.equal(state.plans.length, 1);
});

test('the plan says at each moment who is left, and the next control process goes on there, whoever serves', async () => {
  const { recycle, state } = setUp();
  recycle.ask('asked');
  await (await recycle.detect())[0]?.act(never);
  assert.deepEqual(
    state.plans.map(({ begun, pids }) => [begun, ...pids]),
    [
      [false, 1, 2],
      [true, 1, 2],
      [true, 2],
    ],
  );
  const next = setUp();
  next.state.plan = state.plans[1];
  next.state.listed = new Set([2]);
  next.state.views = [{ pid: 2, state: 'ready' }];
  const [episode] = await next.recycle.detect();
  assert.deepEqual([episode?.id, episode?.isOwed], ['ID', true]);
  assert.equal((await episode?.act(never))?.result, 'healed');
  assert.deepEqual(next.state.replaced, [2]);
});

test('a new worker that does not come up ends it, and the others stay', async () => {
  const replaced: number[] = [];
  const { recycle, state } = setUp({
    replace: async pid => {
      replaced.push(pid);
      return 'no_effect';
    },
  });
  recycle.ask('asked');
  assert.equal((await (await recycle.detect())[0]?.act(never))?.result, 'no_effect');
  assert.deepEqual([replaced, state.plan], [[1], undefined]);
});

test('left alone it is forgotten, unless it has begun: then there may be a worker too many', async () => {
  const { recycle, state } = setUp();
  const plan = recycle.ask('asked');
  (await recycle.detect())[0]?.onLeftAlone?.();
  assert.equal(state.plan, undefined);
  state.plan = { ...plan, begun: true };
  (await recycle.detect())[0]?.onLeftAlone?.();
  assert.notEqual(state.plan, undefined);
});
