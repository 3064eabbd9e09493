/** Start, status and stop as a user types them: harmless when repeated, clear when refused, and nothing stays behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { liveControl } from '../../src/config/live-workers.ts';
import type { RunState } from '../../src/config/run-state.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { checkout, clusterEnvironment, runScript, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

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

test("a cluster in the user's own PM2 daemon is seen, protected from a second start, and stopped without that daemon", async () => {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const own = new Pm2(join(home, 'own'), checkout, process.env);
  const env = clusterEnvironment(join(home, 'd'), { DECI_WORKERS: '1' });
  try {
    assert.equal((await own.run(['start', 'ecosystem.config.js'], env)).code, 0);
    const status = await runScript(['scripts/status.ts', '--json'], env);
    assert.equal(status.code, 0);
    assert.equal((JSON.parse(status.stdout) as { pm2_home: string }).pm2_home, own.home);
    const start = await runScript(['scripts/start.ts'], env);
    assert.equal(start.code, 3);
    assert.ok(start.stderr.includes(`under another PM2 home (${own.home})`), start.stderr);
    const pm2 = await runScript(['scripts/pm2.ts', 'ls'], env);
    assert.match(pm2.stderr, new RegExp(`^Deci runs under PM2 home ${own.home}: PM2_HOME=${own.home} pm2 ls$`, 'm'));
    const [mate, other] = [await startForeign(own, home, 'deci-mate'), await startForeign(own, home, 'deci-blue')];
    assert.equal((await runScript(['scripts/stop.ts'], env)).code, 0);
    assert.equal((await runScript(['scripts/status.ts'], env)).code, 3);
    assert.ok(await own.isUp(), 'the daemon is not ours to kill');
    assert.deepEqual(
      (await own.listAll()).map(({ name, pid }) => [name, pid]),
      [
        ['deci-mate', mate],
        ['deci-blue', other],
      ],
    );
  } finally {
    await own.run(['kill']);
    rmSync(home, { recursive: true, force: true });
  }
});

/** A program of somebody else in the same daemon, named like ours, as another installation of ours would be. */
async function startForeign(daemon: Pm2, home: string, name: string): Promise<number> {
  const script = join(home, 'foreign.cjs');
  writeFileSync(script, 'setInterval(() => undefined, 1000);');
  const place = ['--namespace', 'deci-backend', '-e', join(home, 'other', 'output', `${name}-error.log`)];
  const { code, output } = await daemon.run(['start', script, '--name', name, '--force', ...place]);
  assert.equal(code, 0, output);
  return (await daemon.listAll()).at(-1)?.pid ?? 0;
}

test('status, logs, stop and pm2 work although a setting is wrong, and say what is wrong', async () => {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  try {
    const env = clusterEnvironment(home, { DRAIN_TIMEOUT: '7', PORT: 'x' });
    const calls = [['stop.ts'], ['logs.ts', '--once'], ['status.ts'], ['pm2.ts', 'ls']] as const;
    const codes: Array<number | null> = [];
    for (const [file, ...args] of calls) {
      const { code, stderr } = await runScript([`scripts/${file}`, ...args], env);
      codes.push(code);
      assert.match(stderr, /^Warning: .*\n {2}PORT: expected.*\n {2}DRAIN_TIMEOUT: expected/, file);
    }
    assert.deepEqual(codes, [0, 0, 3, 3]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test("workers that keep failing in the user's own PM2 daemon are told with the home and their last words, and stopped", async () => {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const own = new Pm2(join(home, 'own'), checkout, process.env);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const settings = { DECI_WORKERS: '1', PORT: String(port), OLLAMA_URLS: 'http://127.0.0.1:9', HOME: home };
  const env = clusterEnvironment(join(home, 'd'), settings);
  const output = join(home, 'd', 'run', 'output');
  try {
    await own.run(['start', 'ecosystem.config.js'], env);
    await until('a restart', async () => (await own.list(output)).some(({ restarts }) => restarts > 0), 30_000);
    const status = await runScript(['scripts/status.ts'], env);
    assert.equal(status.code, 3);
    assert.ok(status.stdout.includes(`under the PM2 home ${own.home}; npm stop ends it`), status.stdout);
    assert.match(status.stdout, /Last words[^]*EADDRINUSE/);
    assert.equal((await runScript(['scripts/start.ts'], env)).code, 3);
    const stop = await runScript(['scripts/stop.ts'], env);
    assert.equal(stop.code, 0, stop.stderr);
    assert.deepEqual(await own.listAll(), []);
    assert.equal(liveControl(join(home, 'd', 'run')), undefined);
  } finally {
    await own.run(['kill']);
    taken.close();
    rmSync(home, { recursive: true, force: true });
  }
});

test("while npm start is under way, the user's own pm2 start is refused with 4", async () => {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const own = new Pm2(join(home, 'own'), checkout, process.env);
  const lock = join(home, 'run', 'start.lock');
  try {
    mkdirSync(join(home, 'run'));
    writeFileSync(lock, String(process.pid));
    const refused = await own.run(['start', 'ecosystem.config.js'], clusterEnvironment(home, {}));
    assert.equal(refused.code, 4, refused.output);
    assert.match(refused.output, new RegExp(`Another start is under way \\(pid ${process.pid}\\)`));
    assert.deepEqual(await own.listAll(), []);
  } finally {
    await own.run(['kill']);
    rmSync(home, { recursive: true, force: true });
  }
});

describe('a start that cannot succeed leaves nothing running', () => {
  let home: string;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'deci-'));
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  async function startWith(settings: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
    const result = await runScript(['scripts/start.ts'], clusterEnvironment(home, settings));
    assert.equal(await new Pm2(join(home, 'run', 'pm2'), checkout, process.env).isUp(), false);
    assert.equal(existsSync(join(home, 'run', 'state.json')), false);
    return result;
  }

  test('bad configuration: every error at once, 78', async () => {
    const { code, stderr } = await startWith({ PORT: '99999', DECI_WORKERS: 'many' });
    assert.equal(code, 78);
    assert.match(stderr, /PORT: expected[^\n]+\n {2}DECI_WORKERS: expected/);
  });

  test('an address that is not loopback, and nobody asked for a key: refused, 78', async () => {
    const { code, stderr } = await startWith({ HOST: '0.0.0.0', DECI_AUTH: 'off' });
    assert.equal(code, 78);
    assert.match(stderr, /HOST/);
  });

  test('a port that another program has: 3', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await startWith({ PORT: String(port) });
    other.close();
    assert.equal(code, 3);
    assert.match(stderr, new RegExp(`Port ${port} on 127.0.0.1 is taken`));
  });

  test('a run folder too deep for a socket: 3', async () => {
    const { code, stderr } = await startWith({ RUN_DIR: join(home, 'x'.repeat(100)) });
    assert.equal(code, 3);
    assert.match(stderr, /too long for a socket/);
  });

  test('an admin key file that holds no key: 3, once', async () => {
    mkdirSync(join(home, 'data'), { recursive: true });
    const path = join(home, 'data', 'admin-key');
    writeFileSync(path, 'no key', { mode: 0o600 });
    const { code, stderr } = await startWith({});
    rmSync(path);
    assert.equal(code, 3);
    assert.match(stderr, /^The admin key cannot be used: .*admin-key does not hold a key/);
  });

  const isLinux = process.platform === 'linux';
  test('a folder below /proc: 3, at once', { skip: !isLinux && 'there is no /proc' }, async () => {
    for (const setting of ['DATA_DIR', 'RUN_DIR', 'LOG_DIR', 'HOT_DIR']) {
      const startedAt = performance.now();
      const { code, stderr } = await startWith({ [setting]: '/proc/deci/x' });
      assert.equal(code, 3, setting);
      assert.match(stderr, new RegExp(`^${setting}: /proc/deci/x cannot be `));
      assert.ok(performance.now() - startedAt < 10_000);
    }
  });

  test('workers that do not come up: 1, with their last words', async () => {
    const { code, stderr } = await startWith({ BOOT_TIMEOUT: '100ms', OLLAMA_URLS: 'http://127.0.0.1:9' });
    assert.equal(code, 1);
    assert.match(stderr, /The start failed: a worker exited before it was ready/);
    assert.match(stderr, /not ready within 100 ms/);
  });

  test('an unknown option: 2', async () => {
    const { code } = await runScript(['scripts/start.ts', '--nonsense'], clusterEnvironment(home, {}));
    assert.equal(code, 2);
  });
});
