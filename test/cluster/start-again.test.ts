/** Starts after a sudden end, beside another start, and among what the dead have left. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { removeHotFiles } from '../../scripts/lib/hot-files.ts';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { liveControl, liveWorkers } from '../../src/config/live-workers.ts';
import { processStart } from '../../src/kernel/process-identity.ts';
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { get, storeIn } from '../support/served-cluster.ts';
import { checkout, clusterEnvironment, runScript } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

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
      // A thread of a process that is dying may hold a lock for a moment longer.
      const db = new DatabaseSync(storeIn(home), { timeout: 5000 });
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
