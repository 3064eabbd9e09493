import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createHungWorkers, type HungWorkersOptions, hungOf, type SilentWorker, silentOf } from './hung-workers.ts';

const now = new Date('2026-01-01T00:01:00Z');
const never = new AbortController().signal;

const worker = (pid: number, silentS: number): SilentWorker => ({
  identity: { pid, start: String(pid) },
  since: new Date(now.getTime() - silentS * 1000).toISOString(),
  active: 3,
});

function setUp(silent: readonly SilentWorker[], over: Partial<HungWorkersOptions> = {}) {
  const done: string[] = [];
  const state = { silent, alive: true };
  const healer = createHungWorkers({
    silent: () => state.silent,
    look: async () => void done.push('look'),
    now: () => now,
    isAlive: () => state.alive,
    report: async ({ pid }) => void done.push(`report ${pid}`),
    kill: pid => {
      done.push(`kill ${pid}`);
      state.alive = false;
    },
    pause: async () => undefined,
    ...over,
  });
  return { healer, done, state };
}

test('a worker is hung behind several looks in vain, and only the one that is silent for longest is', () => {
  assert.deepEqual(hungOf([worker(1, 4.9)], now), []);
  const hung = hungOf([worker(1, 7), worker(2, 9), worker(3, 1)], now);
  assert.deepEqual(
    hung.map(one => [one.worker.identity.pid, one.ms]),
    [[2, 9000]],
  );
});

test('it is asked what it does, then killed, and what it answered is counted', async () => {
  const { healer, done } = setUp([worker(7, 8)]);
  const [episode] = await healer.detect(never);
  assert.deepEqual(await episode?.act(never), { result: 'healed', requests_affected: 3 });
  assert.deepEqual(done, ['look', 'report 7', 'look', 'kill 7']);
});

test('one that answers again meanwhile is left alone: before it is told, and before it is killed', async () => {
  const { healer, done, state } = setUp([worker(7, 8)], { report: async () => void (state.silent = []) });
  const [episode] = await healer.detect(never);
  assert.deepEqual(await episode?.act(never), { result: 'no_effect', requests_affected: null });
  assert.deepEqual(done, ['look', 'look']);
  const late = setUp([worker(7, 8)], { look: async () => void (late.state.silent = []) });
  assert.deepEqual(await late.healer.detect(never), []);
});

test('one that cannot be killed is told as such', async () => {
  const { healer } = setUp([worker(7, 8)], { kill: () => undefined });
  const [episode] = await healer.detect(never);
  assert.equal((await episode?.act(never))?.result, 'no_effect');
});

test('a worker that never answered may still be starting', () => {
  const view = {
    pid: process.pid,
    colour: 'blue',
    state: 'not answering',
    since: now.toISOString(),
    active: null,
    replace: null,
    replaceIds: [],
  } as const;
  assert.deepEqual(
    silentOf(
      [
        { ...view, answered: false },
        { ...view, answered: true, state: 'ready' },
      ],
      60_000,
    ),
    [],
  );
  const [silent] = silentOf([{ ...view, answered: true, active: 2 }], 60_000);
  assert.deepEqual([silent?.identity.pid, silent?.active], [process.pid, 2]);
  assert.notEqual(silent?.identity.start, '');
});

test('one that never answered is hung when it is older than any that boots: control may have begun after it', () => {
  const view = {
    pid: process.pid,
    colour: 'blue',
    state: 'not answering',
    since: now.toISOString(),
    active: null,
    replace: null,
    replaceIds: [],
    answered: false,
  } as const;
  const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  const aged = (seconds: number) => () => ({
    pid: process.pid,
    start: String(Math.round((upSeconds - seconds) * 100)),
  });
  assert.equal(silentOf([view], 30_000, aged(60)).length, 1);
  assert.equal(silentOf([view], 30_000, aged(31)).length, 0);
  assert.equal(silentOf([view], 30_000, () => ({ pid: process.pid, start: '' })).length, 0, 'nobody knows');
});
