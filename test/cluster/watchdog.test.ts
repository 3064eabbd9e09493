/** PM2 itself dies, and something outside it must bring everything back. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { checkout, startCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

test('the watchdog starts a cluster again whose PM2 daemon has died, and nothing else', async () => {
  await using cluster = await startCluster();
  const watchdog = (...flags: string[]) => cluster.script(['scripts/watchdog.ts', ...flags]);
  const [running, quiet] = [await watchdog(), await watchdog('--quiet')];
  assert.deepEqual([running.code, running.stdout], [0, 'Deci runs.\n']);
  assert.deepEqual([quiet.code, quiet.stdout], [0, '']);

  const daemon = new Pm2(cluster.pm2Home, checkout, process.env).daemonPid();
  assert.ok(daemon !== undefined);
  process.kill(daemon, 'SIGKILL');
  await until('the workers have left', async () => (await cluster.workers()).length === 0);
  const dry = await watchdog('--dry-run');
  assert.equal(dry.code, 0);
  assert.match(dry.stdout, /is gone: Deci would be started again\./);
  assert.equal((await cluster.workers()).length, 0);

  const started = await watchdog();
  assert.equal(started.code, 0, started.stderr);
  assert.equal((await cluster.workers()).filter(({ state }) => state === 'ready').length, 2);
  const { url } = JSON.parse(readFileSync(join(cluster.runDir, 'state.json'), 'utf8')) as { url: string };
  assert.equal((await fetch(`${url}/api/version`)).status, 200);

  assert.equal((await cluster.script(['scripts/stop.ts'])).code, 0);
  const stopped = await watchdog();
  assert.deepEqual([stopped.code, stopped.stdout], [0, 'Deci was not started, or was stopped.\n']);
  assert.equal((await cluster.workers()).length, 0);
});

const analyzer = '/usr/bin/systemd-analyze';
const skip = existsSync(analyzer) ? false : 'there is no systemd-analyze here';

test('the unit of systemd is one that systemd takes, and names what is there', { skip }, t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-unit-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const unit = readFileSync(join(checkout, 'deploy', 'deci.service'), 'utf8');
  const here = join(dir, 'deci.service');
  // It complains of a program or a user that is not there.
  writeFileSync(here, unit.replaceAll('/opt/deci', checkout).replace('User=deci', `User=${userInfo().username}`));
  const { status, stderr } = spawnSync(analyzer, ['verify', here], { encoding: 'utf8' });
  assert.deepEqual([status, stderr.split('\n').filter(line => line.includes('deci.service'))], [0, []]);
  assert.match(unit, /^Restart=always$/m);
});
