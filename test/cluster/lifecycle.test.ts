/** Start, status and stop as a user types them: harmless when repeated, and nothing stays behind. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import type { RunState } from '../../src/config/run-state.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { checkout, clusterEnvironment, startCluster, type TestCluster } from '../support/start-cluster.ts';

const byNumber = (left: number, right: number): number => left - right;

describe('a cluster that runs', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.stop());

  test('run/state.json says what runs', async () => {
    const state = JSON.parse(readFileSync(join(cluster.runDir, 'state.json'), 'utf8')) as RunState;
    const pids = (await cluster.workers()).map(({ pid }) => pid);
    assert.deepEqual([state.url, state.live, state.pm2_home], [cluster.url, 'blue', cluster.pm2Home]);
    assert.deepEqual(state.pids.toSorted(byNumber), pids.toSorted(byNumber));
  });

  test('a second start changes nothing and exits 0', async () => {
    const earlier = await cluster.workers();
    const { code, stdout } = await cluster.script(['scripts/start.ts']);
    assert.equal(code, 0);
    assert.match(stdout, /already runs; nothing was restarted/);
    assert.doesNotMatch(stdout, /Settings changed/);
    assert.match(
      (await cluster.script(['scripts/start.ts'], { DECI_WORKERS: '3' })).stdout,
      /Settings changed since it was started \(DECI_WORKERS\)/,
    );
    assert.deepEqual(
      (await cluster.workers()).map(({ pid }) => pid),
      earlier.map(({ pid }) => pid),
    );
  });

  test('while another start is under way a start is refused with 4, and a lock of the dead does not count', async () => {
    const lock = join(cluster.runDir, 'start.lock');
    writeFileSync(lock, String(process.pid));
    assert.equal((await cluster.script(['scripts/start.ts'])).code, 4);
    writeFileSync(lock, '99999999');
    assert.equal((await cluster.script(['scripts/start.ts'])).code, 0);
    assert.equal(existsSync(lock), false);
  });

  test('status tells the address, each worker and each upstream', async () => {
    const { code, stdout } = await cluster.script(['scripts/status.ts', '--json']);
    const status = JSON.parse(stdout) as { url: string; workers: Array<{ state: string; restarts: number }> };
    assert.equal(code, 0);
    assert.equal(status.url, cluster.url);
    assert.deepEqual(
      status.workers.map(({ state, restarts }) => [state, restarts]),
      [
        ['ready', 0],
        ['ready', 0],
      ],
    );
    assert.match(
      (await cluster.script(['scripts/status.ts'])).stdout,
      /Ollama {3}http:\S+ {2}Ollama 0\.33\.0, 6 models/,
    );
  });

  test('everything it wrote is private, and PM2 keeps no variable of the shell that is not ours', () => {
    for (const name of ['', 'pm2', 'output']) assert.equal(statSync(join(cluster.runDir, name)).mode & 0o77, 0, name);
    for (const name of readdirSync(join(cluster.runDir, 'output')))
      assert.equal(statSync(join(cluster.runDir, 'output', name)).mode & 0o77, 0, name);
    const [dumped] = JSON.parse(readFileSync(join(cluster.pm2Home, 'dump.pm2'), 'utf8')) as [
      { env: Record<string, string> },
    ];
    assert.equal(dumped.env['DECI_COLOUR'], 'blue');
    assert.ok(dumped.env['OLLAMA_URLS']?.startsWith(cluster.fake.url));
    assert.equal('PATH' in dumped.env, false);
  });

  test('PM2 shows the lifecycle of the workers as the log of its namespace', async () => {
    const { code, stdout } = await cluster.pm2(['jlist']);
    const apps = JSON.parse(stdout) as Array<{ pm2_env: { namespace: string; pm_out_log_path: string } }>;
    assert.equal(code, 0);
    assert.ok(apps.every(({ pm2_env }) => pm2_env.namespace === 'deci-backend'));
    assert.match(readFileSync(apps[0]!.pm2_env.pm_out_log_path, 'utf8'), /worker is ready/);
  });

  test('a start under another PM2 home is refused', async () => {
    const home = mkdtempSync(join(tmpdir(), 'deci-'));
    const other = new Pm2(home, checkout, process.env);
    try {
      const env = clusterEnvironment(cluster.home, { OLLAMA_URLS: cluster.fake.url });
      const { code, output } = await other.run(['start', 'ecosystem.config.js'], env);
      assert.equal(code, 3);
      assert.ok(output.includes(`already runs under another PM2 home (${cluster.pm2Home})`), output);
    } finally {
      await other.run(['kill']);
      rmSync(home, { recursive: true, force: true });
    }
  });
});

test('after a stop nothing is left, and a second stop is harmless', async () => {
  const cluster = await startCluster();
  try {
    const daemon = new Pm2(cluster.pm2Home, checkout, process.env).daemonPid();
    const pids = [daemon ?? 0, ...(await cluster.workers()).map(({ pid }) => pid)];
    const { code, stdout } = await cluster.script(['scripts/stop.ts']);
    assert.equal(code, 0);
    assert.match(stdout, /Stopped 2 workers/);
    assert.deepEqual(pids.filter(isRunning), []);
    assert.deepEqual(
      readdirSync(cluster.runDir).filter(name => /\.sock$|^state/.test(name)),
      [],
    );
    assert.equal((await cluster.script(['scripts/status.ts'])).code, 3);
    assert.equal((await cluster.script(['scripts/stop.ts'])).code, 0);
    const ended = cluster.logs().match(/worker has left/g)?.length;
    assert.ok((ended ?? 0) >= 2, cluster.logs());
  } finally {
    await cluster.stop();
  }
});
