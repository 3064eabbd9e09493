import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppProcess } from './pm2-app.ts';
import { nextOf } from './replace-workers.ts';
import { type ReplacementOptions, replaceWorker } from './replacement.ts';

const never = new AbortController().signal;

/** PM2 and its workers: a list, and what was done to it. */
function setUp({ bootsOf = () => true, processes = [1, 2] }: { bootsOf?: () => boolean; processes?: number[] } = {}) {
  const state = {
    list: processes.map((pid, id): AppProcess => ({ id, pid, restarts: 0 })),
    done: [] as string[],
    planned: undefined as number | undefined,
    leaving: undefined as number | undefined,
    looks: 0,
    /** Told at each look at the list. */
    onList: (_looks: number): void => undefined,
  };
  const ready = new Set(processes);
  const options: ReplacementOptions = {
    workers: 2,
    bootMs: 400,
    app: {
      list: async () => {
        state.onList(++state.looks);
        return state.list;
      },
      scale: async count => {
        state.done.push(`scale ${count}`);
        const pid = 100 + state.list.length;
        state.list = [...state.list, { id: state.list.length, pid, restarts: 0 }];
        if (bootsOf()) ready.add(pid);
      },
      remove: async id => {
        state.done.push(`remove ${id}`);
        state.list = state.list.filter(process => process.id !== id);
      },
    },
    serving: async () => state.list.map(({ pid }) => pid).filter(pid => ready.has(pid)),
    isLeaving: async pid => state.leaving === pid,
    plan: {
      read: () => state.planned,
      write: pid => void (state.planned = pid),
      remove: () => void (state.planned = undefined),
    },
  };
  return { options, state };
}

test('the new one serves before the old one leaves', async () => {
  const { options, state } = setUp();
  assert.equal(await replaceWorker(options, 1, never), 'healed');
  assert.deepEqual(state.done, ['scale 3', 'remove 0']);
  assert.deepEqual([state.list.map(({ pid }) => pid), state.planned], [[2, 102], undefined]);
});

test('where the new one does not come, the old one stays and the new one goes', async () => {
  const { options, state } = setUp({ bootsOf: () => false });
  assert.equal(await replaceWorker(options, 1, never), 'no_effect');
  assert.deepEqual(
    state.list.map(({ pid }) => pid),
    [1, 2],
  );
  assert.equal(state.planned, undefined);
});

test('one that was begun by somebody else is gone on with, not begun again', async () => {
  const { options, state } = setUp({ processes: [1, 2, 3] });
  assert.equal(await replaceWorker(options, 1, never), 'healed');
  assert.deepEqual(state.done, ['remove 0']);
});

test('one that was sent away already is not told twice: a second signal would cut its streams', async () => {
  const { options, state } = setUp({ processes: [1, 2, 3] });
  state.leaving = 1;
  state.onList = looks => {
    if (looks === 4) state.list = state.list.filter(({ pid }) => pid !== 1);
  };
  assert.equal(await replaceWorker(options, 1, never), 'healed');
  assert.deepEqual([state.done, state.looks], [[], 4]);
});

test('one that leaves by itself comes back as another process, which is the one too many', async () => {
  const { options, state } = setUp({ processes: [1, 2, 3] });
  state.leaving = 1;
  state.onList = looks => {
    if (looks === 3) state.list = state.list.map(process => (process.pid === 1 ? { ...process, pid: 50 } : process));
  };
  assert.equal(await replaceWorker(options, 1, never), 'healed');
  assert.deepEqual(state.done, ['remove 0']);
});

test('a new one that an earlier control process started, and that does not come up, goes too', async () => {
  const { options, state } = setUp();
  state.list = [...state.list, { id: 7, pid: 99, restarts: 0 }];
  assert.equal(await replaceWorker(options, 1, never), 'no_effect');
  assert.deepEqual(state.done, ['remove 7']);
});

test('a worker that has left meanwhile is not replaced', async () => {
  const { options, state } = setUp();
  assert.equal(await replaceWorker(options, 9, never), 'no_effect');
  assert.deepEqual([state.done, state.planned], [[], undefined]);
});

test('one that asks is next, but only while all serve that should', () => {
  const view = (pid: number, state: string, replace: string | null = null) => ({
    pid,
    state,
    replace,
    replaceIds: replace === null ? [] : ['record'],
  });
  assert.deepEqual(nextOf([view(1, 'ready'), view(2, 'ready', 'leak')], 2), {
    pid: 2,
    reason: 'leak',
    ids: ['record'],
  });
  assert.equal(nextOf([view(1, 'starting'), view(2, 'ready', 'leak')], 2), undefined);
  assert.equal(nextOf([view(1, 'ready'), view(2, 'draining', 'leak')], 1), undefined);
  assert.equal(nextOf([view(1, 'ready'), view(2, 'ready')], 2), undefined);
});
