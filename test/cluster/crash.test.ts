/** What survives when a worker, or PM2 itself, is killed. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { ask, at } from '../support/keep-alive-load.ts';
import { doneContent, openStream } from '../support/open-stream.ts';
import { checkout, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const messages = [{ role: 'user', content: 'A story' }];
const story = { model: 'llama3.2', messages, options: { num_predict: 60 } };
const streams = 8;
const probers = 4;
/** How long the kernel and PM2 may take to notice that a worker is dead. A connection that the daemon handed to it in this
 * time, and that it never took, gets no answer at all: Node's cluster forgets it. */
const noticeMs = 500;

interface Probe {
  readonly startedAt: number;
  readonly error: unknown;
}

/** New connections all the time: each is a caller that knows nothing of what went before. */
function startProbes(cluster: TestCluster): { stop(): Promise<Probe[]> } {
  const state = { on: true };
  const probes: Probe[] = [];
  const running = Array.from({ length: probers }, async () => {
    while (state.on) {
      const startedAt = performance.now();
      const error = await ask(at(cluster, '/api/show'), '{"model":"llama3.2"}', false).then(
        () => undefined,
        (failure: unknown) => failure,
      );
      probes.push({ startedAt, error });
    }
  });
  return {
    async stop() {
      state.on = false;
      await Promise.all(running);
      return probes;
    },
  };
}

test('killing one worker fails only what it was answering, and PM2 brings it back', async () => {
  await using cluster = await startCluster({ fakeOptions: { tokenMs: 25, numParallel: 32 } });
  const open = await Promise.all(Array.from({ length: streams }, () => openStream(at(cluster, '/api/chat'), story)));
  await Promise.all(open.map(stream => stream.first));
  const [victim, other] = await cluster.workers();
  assert.ok(victim !== undefined && other !== undefined);
  assert.equal(victim.active + other.active, streams);
  assert.ok(victim.active > 0 && other.active > 0, 'the streams are on both workers');

  const probes = startProbes(cluster);
  process.kill(victim.pid, 'SIGKILL');
  const killedAt = performance.now();
  const ends = await Promise.all(open.map(stream => stream.ended));
  assert.equal(ends.filter(end => doneContent(end) !== undefined).length, other.active);
  await until('two workers serve again', async () => {
    const workers = await cluster.workers();
    return workers.length === 2 && workers.every(({ state, pid }) => state === 'ready' && pid !== victim.pid);
  });

  const results = await probes.stop();
  const failed = results.filter(({ error }) => error !== undefined);
  const late = failed.filter(({ startedAt }) => startedAt > killedAt + noticeMs);
  assert.deepEqual(late, []);
  assert.ok(failed.length <= probers, `${failed.length} probes failed`);
  assert.ok(results.length > 50);
  assert.equal(
    (await cluster.workers()).some(({ pid }) => pid === other.pid),
    true,
  );
});

function listens(cluster: TestCluster): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  request(`${cluster.url}/api/version`, { agent: false }, res => {
    res.resume();
    resolve(true);
  })
    .once('error', () => resolve(false))
    .end();
  return promise;
}

test('when the PM2 daemon is killed a running stream still finishes, then the workers exit, and a start works again', async () => {
  await using cluster = await startCluster({ fakeOptions: { tokenMs: 25, numParallel: 32 } });
  const workers = await cluster.workers();
  const stream = await openStream(at(cluster, '/api/chat'), story);
  await stream.first;
  const daemon = new Pm2(join(cluster.runDir, 'pm2'), checkout, process.env).daemonPid();
  assert.ok(daemon !== undefined);
  process.kill(daemon, 'SIGKILL');
  await until('nobody listens any more', async () => !(await listens(cluster)));
  assert.equal(doneContent(await stream.ended)?.split(' ').length, 60);
  await until('the workers are gone', () => workers.every(({ pid }) => !isRunning(pid)));

  const again = await cluster.script(['scripts/start.ts', '--json']);
  assert.equal(again.code, 0, again.stderr);
  assert.equal((await cluster.workers()).length, 2);
});
