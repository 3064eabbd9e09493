/** Workers that live and do nothing any more: found, reported and replaced, while the other one serves. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JournalRecord } from '../../src/journal/record.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { freezeProcess } from '../faults/freeze-process.ts';
import { loopForEver } from '../faults/loop-for-ever.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

/** From the fault to two workers that serve again. */
const replacedWithinMs = 12_000;

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());

async function firstWorker(): Promise<number> {
  const [worker] = await cluster.workers();
  assert.ok(worker !== undefined);
  return worker.pid;
}

async function records(): Promise<readonly JournalRecord[]> {
  const { code, stdout, stderr } = await cluster.script(['src/cli.ts', 'journal', '--healer', 'hung-worker', '--json']);
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { data: JournalRecord[] }).data;
}

/** New callers all the time; each has a second. @returns the longest time in which nobody was answered */
function startCallers(): { stop(): Promise<number> } {
  const state = { on: true, answeredAt: performance.now(), longestMs: 0 };
  const answered = (): void => {
    state.longestMs = Math.max(state.longestMs, performance.now() - state.answeredAt);
    state.answeredAt = performance.now();
  };
  const running = Array.from({ length: 3 }, async () => {
    while (state.on) {
      const signal = AbortSignal.timeout(1000);
      await fetch(`${cluster.url}/api/version`, { headers: { connection: 'close' }, signal }).then(
        async answer => {
          await answer.text();
          answered();
        },
        () => undefined,
      );
    }
  });
  return {
    stop: async () => {
      state.on = false;
      await Promise.all(running);
      answered();
      return state.longestMs;
    },
  };
}

async function replaced(pid: number): Promise<void> {
  await until('it is gone', () => !isRunning(pid), 20_000);
  await until('two serve', async () => (await cluster.workers()).filter(({ state }) => state === 'ready').length === 2);
}

test('a dry run tells of a worker that is stopped, and leaves it', async () => {
  assert.equal((await cluster.script(['src/cli.ts', 'healers', 'set', 'hung-worker', 'dry_run'])).code, 0);
  const pid = await firstWorker();
  using frozen = freezeProcess(pid);
  await until('it is told', async () => (await records()).length === 1, 20_000);
  const [told] = await records();
  assert.deepEqual([told?.target, told?.result], [`worker ${pid}`, 'dry_run']);
  frozen.thaw();
  await until('it answers', async () => (await cluster.workers()).some(worker => worker.pid === pid));
  assert.equal((await cluster.script(['src/cli.ts', 'healers', 'set', 'hung-worker', 'on'])).code, 0);
});

test('a worker in an endless loop leaves a report of it, and is replaced while the other serves', async t => {
  const pid = await firstWorker();
  await loopForEver(pid);
  const sinceMs = performance.now();
  const callers = startCallers();
  await replaced(pid);
  const tookMs = performance.now() - sinceMs;
  const longestMs = await callers.stop();
  t.diagnostic(`replaced in ${tookMs.toFixed(0)} ms; nobody was answered for ${longestMs.toFixed(0)} ms at most`);
  assert.ok(tookMs < replacedWithinMs, `${tookMs}`);
  assert.ok(longestMs < 1500, `${longestMs}`);

  const dir = join(cluster.home, 'data', 'crash-reports');
  const name = readdirSync(dir).find(report => report.endsWith(`-${pid}.json`));
  assert.ok(name !== undefined);
  assert.equal(statSync(join(dir, name)).mode & 0o077, 0);
  const { stack, state } = JSON.parse(readFileSync(join(dir, name), 'utf8')) as { stack: string[]; state: string };
  assert.equal(state, 'R (running)');
  assert.match(stack.join('\n'), /neverEnds/);
});

test('a worker that is stopped is replaced, and each fault has one record', async t => {
  const pid = await firstWorker();
  const sinceMs = performance.now();
  using _frozen = freezeProcess(pid);
  await replaced(pid);
  const tookMs = performance.now() - sinceMs;
  t.diagnostic(`replaced in ${tookMs.toFixed(0)} ms`);
  assert.ok(tookMs < replacedWithinMs, `${tookMs}`);
  await until('the record is complete', async () => (await records())[0]?.result === 'healed');
  const results = (await records()).map(({ result, action }) => [action, result]);
  assert.deepEqual(results, [
    ['kill_worker', 'healed'],
    ['kill_worker', 'healed'],
    ['kill_worker', 'dry_run'],
  ]);
});
