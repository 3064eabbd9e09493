/** A cluster that was started in the user's own PM2 daemon, where other programs run too. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { liveControl } from '../../src/config/live-workers.ts';
import { checkout, clusterEnvironment, runScript } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

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
