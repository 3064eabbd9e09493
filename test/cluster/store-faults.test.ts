/**
 * A store that cannot be used, at the start and while it is in use: requests are served all the same, every place that needs
 * it says by name what is wrong, the file is left as it is, and a store that is whole again is used without a restart.
 */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { removeHotFiles } from '../../scripts/lib/hot-files.ts';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { liveControl, liveWorkers } from '../../src/config/live-workers.ts';
import { processStart } from '../../src/kernel/process-identity.ts';
import { askSocket } from '../../src/kernel/socket-request.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { overwriteHeader, overwriteMiddlePage } from '../faults/damage-file.ts';
import { holdLock } from '../faults/hold-lock.ts';
import { leasesOf } from '../support/cluster-leases.ts';
import { checkout, clusterEnvironment, runScript, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

interface Served {
  readonly url: string;
  readonly key: string;
}

function get({ url, key }: Served, path: string, method = 'GET', body?: object): Promise<Response> {
  return fetch(`${url}${path}`, {
    method,
    headers: { 'x-api-key': key, connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5000),
  });
}

async function serves(cluster: Served): Promise<void> {
  const messages = [{ role: 'user', content: 'echo:hi' }];
  const chat = await get(cluster, '/api/chat', 'POST', { model: 'llama3.2', messages, stream: false });
  assert.equal(chat.status, 200);
}

/** What is refused, in which words; the client learns no path. */
async function isRefused(cluster: Served, status: number, code: string): Promise<void> {
  for (const [path, method, body] of [
    ['/api/journal', 'GET', undefined],
    ['/api/admin/healers', 'GET', undefined],
    ['/api/admin/healers/dead-leases', 'PUT', { mode: 'on' }],
  ] as const) {
    const answer = await get(cluster, path, method, body);
    const problem = (await answer.json()) as { code: string; hint: string };
    assert.deepEqual([path, answer.status, problem.code], [path, status, code]);
    assert.match(problem.hint, /doctor|DATA_DIR|disk/);
    assert.doesNotMatch(JSON.stringify(problem), /sqlite/);
  }
}

async function healthSays(cluster: Served, reason: string): Promise<void> {
  const health = (await (await get(cluster, '/api/health')).json()) as {
    status: string;
    checks: { store: Array<{ status: string; output?: string }> };
    healing: { last_24h: number | null };
  };
  assert.equal(health.status, 'warn');
  assert.deepEqual([health.checks.store[0]?.status, health.checks.store[0]?.output], ['warn', reason]);
}

const storeIn = (home: string): string => join(home, 'data', 'deci.sqlite');

/** Makes each kind of file that is no store of ours. */
const broken: Readonly<Record<string, (path: string) => void>> = {
  damaged: path => writeFileSync(path, Buffer.alloc(8192, 'nonsense')),
  foreign: path => {
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE photos (id INTEGER); PRAGMA application_id = 7');
    db.close();
  },
  newer: path => {
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE later (id INTEGER); PRAGMA application_id = 0x44454349; PRAGMA user_version = 9999');
    db.close();
  },
};

describe('at the start', () => {
  let fake: FakeOllama;
  before(async () => {
    fake = await startFakeOllama();
  });
  after(() => fake.stop());

  for (const [reason, make] of Object.entries(broken)) {
    test(`a ${reason} store: the cluster serves, tells it by name, leaves the file, and uses a good one when it is there`, async () => {
      const home = mkdtempSync(join(tmpdir(), 'deci-'));
      const env = clusterEnvironment(home, { OLLAMA_URLS: fake.url });
      try {
        mkdirSync(join(home, 'data'), { mode: 0o700 });
        make(storeIn(home));
        const bytes = readFileSync(storeIn(home));
        const { code, stdout, stderr } = await runScript(['scripts/start.ts', '--json'], env);
        assert.equal(code, 0, stderr);
        const { url } = JSON.parse(stdout) as { url: string };
        const cluster = { url, key: readFileSync(join(home, 'data', 'admin-key'), 'utf8').trim() };
        await serves(cluster);
        await isRefused(cluster, 503, 'store_unavailable');
        await healthSays(cluster, reason);
        assert.deepEqual(readFileSync(storeIn(home)), bytes, 'the file is left as it is');
        const doctor = await runScript(['scripts/doctor.ts', '--json'], env);
        assert.equal(doctor.code, 3);
        assert.match(doctor.stdout, /"group":"Store","name":"content","status":"fail"/);
        assert.match(await (await get(cluster, '/metrics')).text(), /^deci_store_up 0$/m);

        renameSync(storeIn(home), `${storeIn(home)}.aside`);
        await until('the store is used', async () => (await get(cluster, '/api/journal')).status === 200, 20_000);
        assert.deepEqual(readFileSync(`${storeIn(home)}.aside`), bytes);
      } finally {
        await runScript(['scripts/stop.ts'], env);
        removeHotFiles({ hotDir: undefined, runDir: join(home, 'run') });
        rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      }
    });
  }
});

describe('while it is in use', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.stop());

  /** Of every worker: each finds out for itself. */
  const journalIs = (status: number): Promise<void> =>
    until(
      `the journal answers ${status}`,
      async () => {
        const pids = (await cluster.workers()).map(({ pid }) => pid);
        const answers = await Promise.all(pids.map(pid => askWorker(pid, '/api/journal')));
        return answers.every(answer => answer.status === status);
      },
      20_000,
    );

  const askWorker = (pid: number, path: string) =>
    askSocket({ socketPath: join(cluster.runDir, `blue-${pid}.sock`), method: 'GET', path, timeoutMs: 5000 });

  test('another program holds its lock: what is written waits or is refused in time, what is read and served goes on', async () => {
    await journalIs(200);
    const lock = await holdLock(storeIn(cluster.home), 'write');
    try {
      const startedAt = performance.now();
      const writing = get(cluster, '/api/admin/healers/dead-leases', 'PUT', { mode: 'on' }).then(
        ({ status }) => status,
      );
      await serves(cluster);
      assert.ok(performance.now() - startedAt < 3000, 'the event loop was not held');
      assert.equal((await get(cluster, '/api/journal')).status, 200);
      assert.equal(await Promise.race([writing, serves(cluster).then(() => 'served')]), 'served');
      // It is let go before the deadline of the write: nothing was lost, it only took longer.
      await lock.release();
      assert.equal(await writing, 200);
    } finally {
      await lock.release();
    }
  });

  test('healing does not wait for a lock: what a dead worker held is free within a second, and the record follows', async () => {
    const lock = await holdLock(storeIn(cluster.home), 'write');
    const leases = leasesOf(cluster.runDir);
    try {
      const [pid = 0] = (await cluster.workers()).map(worker => worker.pid);
      assert.equal(leases.of(pid).length, 1);
      const killedAt = performance.now();
      process.kill(pid, 'SIGKILL');
      await until('its lease is free', () => leases.of(pid).length === 0, 5000);
      assert.ok(performance.now() - killedAt < 1500, `${performance.now() - killedAt} ms`);
      await lock.release();
      await until(
        'the record is there',
        async () => {
          const answer = await get(cluster, '/api/journal').catch(() => undefined);
          if (answer?.status !== 200) return false;
          const { data } = (await answer.json()) as { data: Array<{ target: string; result: string | null }> };
          return data.some(({ target, result }) => target === `process ${pid}` && result === 'healed');
        },
        20_000,
      );
    } finally {
      await lock.release();
      leases[Symbol.dispose]();
    }
  });

  test('it is damaged under us: told by name, served without it, and healed by putting a whole one back', async () => {
    await journalIs(200);
    const path = storeIn(cluster.home);
    const whole = new DatabaseSync(path, { readOnly: true });
    whole.exec(`VACUUM INTO '${path}.copy'`);
    whole.close();
    const bad = `${path}.bad`;
    copyFileSync(path, bad);
    overwriteHeader(bad);
    overwriteMiddlePage(bad);
    renameSync(bad, path);
    await journalIs(503);
    await serves(cluster);
    for (const part of ['', '-wal', '-shm']) rmSync(`${path}${part}`, { force: true });
    renameSync(`${path}.copy`, path);
    await journalIs(200);
    const put = await get(cluster, '/api/admin/healers/dead-leases', 'PUT', { mode: 'on' });
    assert.equal(put.status, 200);
    assert.equal(statSync(path).mode & 0o77, 0);
  });

  test('it is removed under us: no empty one is made in its place, and the old one back is used again', async () => {
    const path = storeIn(cluster.home);
    renameSync(path, `${path}.gone`);
    await journalIs(503);
    await serves(cluster);
    assert.equal(existsSync(path), false);
    renameSync(`${path}.gone`, path);
    await journalIs(200);
  });
});

test('everything is killed at once, right after a write was acknowledged: it is there when the cluster is back', async () => {
  const fake = await startFakeOllama();
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const runDir = join(home, 'run');
  const env = clusterEnvironment(home, { OLLAMA_URLS: fake.url });
  try {
    for (const mode of ['off', 'dry_run', 'on']) {
      const { code, stdout, stderr } = await runScript(['scripts/start.ts', '--json'], env);
      assert.equal(code, 0, stderr);
      const { url } = JSON.parse(stdout) as { url: string };
      const cluster = { url, key: readFileSync(join(home, 'data', 'admin-key'), 'utf8').trim() };
      const put = await get(cluster, '/api/admin/healers/dead-leases', 'PUT', { mode });
      assert.equal(put.status, 200);
      const daemon = new Pm2(join(runDir, 'pm2'), checkout, process.env).daemonPid() ?? 0;
      const control = liveControl(runDir)?.pid ?? 0;
      const pids = [daemon, control, ...liveWorkers(runDir).map(worker => worker.pid)];
      assert.equal(pids.filter(pid => pid > 0).length, 4);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await until('all are gone', () => pids.every(pid => processStart(pid) === undefined));
      const db = new DatabaseSync(storeIn(home));
      assert.deepEqual(db.prepare('PRAGMA integrity_check').all().map(Object.values), [['ok']]);
      assert.equal(db.prepare('SELECT mode FROM healer_settings').get()?.['mode'], mode);
      db.close();
    }
  } finally {
    await runScript(['scripts/stop.ts'], env);
    await fake.stop();
    removeHotFiles({ hotDir: undefined, runDir });
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
});

test('two starts at once: one cluster, and each start says what it found', async () => {
  const fake = await startFakeOllama();
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const env = clusterEnvironment(home, { OLLAMA_URLS: fake.url });
  try {
    const [one, two] = await Promise.all([1, 2].map(() => runScript(['scripts/start.ts', '--json'], env)));
    const codes = [one?.code, two?.code].toSorted();
    // The second is refused while the first is under way, or finds that it is done.
    assert.ok(codes[0] === 0 && [0, 4].includes(codes[1] ?? -1), codes.join(' and '));
    const status = JSON.parse((await runScript(['scripts/status.ts', '--json'], env)).stdout) as { workers: unknown[] };
    assert.equal(status.workers.length, 2);
  } finally {
    await runScript(['scripts/stop.ts'], env);
    await fake.stop();
    removeHotFiles({ hotDir: undefined, runDir: join(home, 'run') });
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
});

test('a stale run/state.json, an unreadable one and sockets of the dead mislead neither status nor start', async () => {
  const fake = await startFakeOllama();
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const env = clusterEnvironment(home, { OLLAMA_URLS: fake.url });
  const statePath = join(home, 'run', 'state.json');
  const stale = {
    url: 'http://127.0.0.1:1',
    live: 'blue',
    release: '0.0.1',
    pm2_home: join(home, 'run', 'pm2'),
    pids: [99_999_999],
    started_at: '2020-01-01T00:00:00.000Z',
  };
  try {
    mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'run', 'blue-99999999.sock'), '');
    writeFileSync(join(home, 'run', 'control.sock'), '');
    for (const text of [JSON.stringify(stale), '{"url":', '']) {
      writeFileSync(statePath, text);
      assert.equal((await runScript(['scripts/status.ts'], env)).code, 3, 'nothing runs');
    }
    writeFileSync(statePath, JSON.stringify(stale));
    const start = await runScript(['scripts/start.ts', '--json'], env);
    assert.equal(start.code, 0, start.stderr);
    const state = JSON.parse(readFileSync(statePath, 'utf8')) as typeof stale;
    assert.notEqual(state.url, stale.url);
    assert.ok(!state.pids.includes(99_999_999));
    assert.equal((await runScript(['src/cli.ts', 'journal', '--json'], env)).code, 0);
  } finally {
    await runScript(['scripts/stop.ts'], env);
    await fake.stop();
    removeHotFiles({ hotDir: undefined, runDir: join(home, 'run') });
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
