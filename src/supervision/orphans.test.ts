/** Workers that PM2 does not list: found when that lasts, asked rarely, ended in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOrphans } from './orphans.ts';

const never = new AbortController().signal;

function rig(diesOf: 'SIGINT' | 'SIGKILL' | 'nothing' = 'SIGINT') {
  const state = { nowMs: 0, living: [1, 2], listed: [1, 2], asked: 0, ended: [] as string[] };
  const healer = createOrphans({
    living: () => state.living.map(pid => ({ pid, start: '' })),
    listed: async () => {
      state.asked++;
      return new Set(state.listed);
    },
    isAlive: ({ pid }) => state.living.includes(pid),
    end: (pid, signal) => {
      state.ended.push(`${signal} ${pid} at ${state.nowMs}`);
      if (signal === diesOf) state.living = state.living.filter(one => one !== pid);
    },
    drainMs: 60_000,
    clock: () => state.nowMs,
    pause: async ms => {
      state.nowMs += ms;
    },
  });
  const look = async (seconds: number): Promise<number> => {
    let found = 0;
    for (let second = 0; second < seconds; second++) {
      state.nowMs += 1000;
      found = (await healer.detect(never)).length;
    }
    return found;
  };
  return { state, healer, look };
}

test('while PM2 lists all of them it is asked twice a minute, and at once when there is a new one', async () => {
  const { state, look } = rig();
  assert.equal(await look(60), 0);
  assert.ok(state.asked <= 3, `${state.asked} times`);
  const before = state.asked;
  state.living.push(3);
  state.listed.push(3);
  assert.equal(await look(1), 0);
  assert.equal(state.asked, before + 1);
});

test('one that PM2 writes down a moment later is none', async () => {
  const { state, look } = rig();
  state.living.push(3);
  assert.equal(await look(3), 0);
  state.listed.push(3);
  assert.equal(await look(60), 0);
});

test('one that it does not list is told to leave; one that does not go is killed when its time is over', async () => {
  for (const [diesOf, ended, result] of [
    ['SIGINT', /^SIGINT 3 at \d+$/, 'healed'],
    ['SIGKILL', /^SIGINT 3 at (\d+),SIGKILL 3 at \d+$/, 'healed'],
    ['nothing', /^SIGINT 3 at (\d+),SIGKILL 3 at \d+$/, 'no_effect'],
  ] as const) {
    const { state, healer, look } = rig(diesOf);
    await look(1);
    state.living.push(3);
    await look(5);
    state.nowMs += 1000;
    const [episode, ...others] = await healer.detect(never);
    assert.deepEqual([episode?.target, others.length], ['worker 3', 0]);
    assert.equal((await episode?.act(never))?.result, result);
    assert.match(state.ended.join(','), ended);
  }
});
