/** Control and workers on their private sockets: either side killed, frozen, restarted or lying, and what the other makes of it. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { askControl, type ControlState } from '../../scripts/lib/worker-sockets.ts';
import { askSocket } from '../../src/kernel/socket-request.ts';
import { freezeProcess } from '../faults/freeze-process.ts';
import { type Lie, lyingSocket } from '../faults/lying-socket.ts';
import { at, startLoad } from '../support/keep-alive-load.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

interface SeenWorker {
  readonly pid: number;
  readonly state: string;
}

type FullControl = ControlState & { readonly workers: readonly SeenWorker[] };

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster();
  await seen('both workers', workers => workers.filter(({ state }) => state === 'ready').length === 2);
});
after(() => cluster?.stop());

const control = async (): Promise<FullControl | undefined> =>
  (await askControl(cluster.runDir, 500)) as FullControl | undefined;

function seen(what: string, holds: (workers: readonly SeenWorker[]) => boolean): Promise<void> {
  return until(`control sees ${what}`, async () => holds((await control())?.workers ?? []), 20_000);
}

async function firstWorker(): Promise<number> {
  const [worker] = await cluster.workers();
  assert.ok(worker !== undefined);
  return worker.pid;
}

const stateOf = (workers: readonly SeenWorker[], pid: number): string | undefined =>
  workers.find(worker => worker.pid === pid)?.state;

const chat = { model: 'llama3.2', messages: [{ role: 'user', content: 'echo:hi' }], stream: false };

/** Everything that is asked while something happens to control must be answered. */
async function served(during: () => Promise<void>): Promise<void> {
  const load = startLoad(at(cluster, '/api/chat'), 4, chat);
  try {
    await during();
    await until('requests are answered', () => load.requests > 20);
  } finally {
    const { failures } = await load.stop();
    assert.deepEqual(failures, []);
  }
}

test('a frozen worker is told as one that does not answer, and as ready when it goes on', async () => {
  const pid = await firstWorker();
  const frozen = freezeProcess(pid);
  try {
    await seen('that it hangs', workers => stateOf(workers, pid) === 'not answering');
  } finally {
    frozen.thaw();
  }
  await seen('that it is back', workers => stateOf(workers, pid) === 'ready');
});

test('a worker that was killed is forgotten, and the one that comes for it is seen', async () => {
  const pid = await firstWorker();
  process.kill(pid, 'SIGKILL');
  await seen(
    'another',
    workers => stateOf(workers, pid) === undefined && workers.filter(({ state }) => state === 'ready').length === 2,
  );
});

test('control is frozen: everything is served, and status says that it does not answer', async () => {
  const { pid } = (await control()) ?? {};
  assert.ok(pid !== undefined);
  await served(async () => {
    using _frozen = freezeProcess(pid);
    const { code, stdout } = await cluster.script(['scripts/status.ts', '--json']);
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as { control: unknown }).control, null);
    assert.match((await cluster.script(['scripts/status.ts'])).stdout, /Control {2}does not answer/);
  });
  await until('control answers again', async () => (await control())?.pid === pid);
});

test('control is killed: everything is served, and it is back within seconds, with all workers in view', async () => {
  const { pid } = (await control()) ?? {};
  assert.ok(pid !== undefined);
  await served(async () => {
    process.kill(pid, 'SIGKILL');
    await until('another control', async () => ![undefined, pid].includes((await control())?.pid));
  });
  await seen('both workers', workers => workers.filter(({ state }) => state === 'ready').length === 2);
});

test('control is replaced by PM2 while requests are served', async () => {
  const { pid } = (await control()) ?? {};
  await served(async () => {
    assert.equal((await cluster.pm2(['restart', 'deci-control'])).code, 0);
    await until('another control', async () => ![undefined, pid].includes((await control())?.pid));
  });
});

for (const lie of ['silent', 'closes', 'garbage', 'half', 'other JSON'] satisfies Lie[]) {
  test(`somebody else listens for control (${lie}): status is not misled, and control takes its place back`, async () => {
    const { pid } = (await control()) ?? {};
    assert.ok(pid !== undefined);
    {
      // It takes its place back within a second, which may be before status has asked.
      using _frozen = freezeProcess(pid);
      await using _liar = await lyingSocket(join(cluster.runDir, 'control.sock'), lie);
      const { stdout } = await cluster.script(['scripts/status.ts', '--json']);
      assert.equal((JSON.parse(stdout) as { control: unknown }).control, null);
    }
    await until('control answers', async () => (await control())?.pid === pid);
  });
}

test('a socket of a worker that is gone, or of nobody, misleads nobody', async () => {
  const path = join(cluster.runDir, 'blue-99999999.sock');
  await using _liar = await lyingSocket(path, 'silent');
  assert.equal((await cluster.workers()).length, 2);
  await seen('two workers and no third', workers => workers.length === 2);
  rmSync(path, { force: true });
});

const order = (pid: number, path: string, timeoutMs = 2000) =>
  askSocket({ socketPath: join(cluster.runDir, `blue-${pid}.sock`), method: 'POST', path, timeoutMs });

test('standby and live: a worker hands its clients over and takes them again, and nobody notices', async () => {
  const pid = await firstWorker();
  await served(async () => {
    assert.equal((await order(pid, '/standby')).status, 200);
    await seen('it stands by', workers => stateOf(workers, pid) === 'standby');
    assert.equal((await order(pid, '/standby')).status, 200, 'asked twice changes nothing');
    assert.equal((await order(pid, '/live')).status, 200);
    await seen('it is ready', workers => stateOf(workers, pid) === 'ready');
  });
  const ready = await askSocket({
    socketPath: join(cluster.runDir, `blue-${pid}.sock`),
    method: 'GET',
    path: '/api/health/ready',
    timeoutMs: 2000,
  });
  assert.equal(ready.status, 200);
});

test('orders that cross or are repeated leave the worker in one state, and nobody notices', async () => {
  const pid = await firstWorker();
  await served(async () => {
    const paths = ['/standby', '/live', '/standby', '/standby', '/live', '/live'];
    const answers = await Promise.all(paths.map(path => order(pid, path)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    await seen('it is ready', workers => stateOf(workers, pid) === 'ready');
  });
});

test('a worker that is frozen keeps nobody who gives it an order, and carries it out when it goes on', async () => {
  const pid = await firstWorker();
  const frozen = freezeProcess(pid);
  try {
    const startedAt = performance.now();
    await assert.rejects(order(pid, '/standby', 500), { code: 'TIMEOUT' });
    assert.ok(performance.now() - startedAt < 3000);
  } finally {
    frozen.thaw();
  }
  await seen('it stands by', workers => stateOf(workers, pid) === 'standby');
  assert.equal((await order(pid, '/live')).status, 200);
  await seen('it is ready', workers => stateOf(workers, pid) === 'ready');
});

for (const path of ['/standby', '/live', '/drain']) {
  test(`a worker that is killed in the middle of ${path} is replaced, and who gave the order is answered or refused`, async () => {
    const pid = await firstWorker();
    const ordered = order(pid, path).then(
      () => 'answered',
      () => 'refused',
    );
    process.kill(pid, 'SIGKILL');
    assert.match(await ordered, /answered|refused/);
    await seen(
      'another',
      workers => stateOf(workers, pid) === undefined && workers.filter(worker => worker.state === 'ready').length === 2,
    );
  });
}

test('a worker that is told to drain finishes and leaves, and another comes', async () => {
  const pid = await firstWorker();
  await served(async () => {
    assert.equal((await order(pid, '/drain')).status, 202);
    await seen('another', workers => stateOf(workers, pid) === undefined && workers.length === 2);
  });
  assert.equal(existsSync(join(cluster.runDir, `blue-${pid}.sock`)), false);
});
