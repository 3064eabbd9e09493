/** The commands a user types against a cluster that runs: logs, PM2's own, the journal as it is written. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkout, clusterEnvironment, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());

test('npm run logs shows the last lines of all workers, one JSON object each', async () => {
  await until('something was logged', async () => {
    const { code, stdout } = await cluster.script(['scripts/logs.ts', '--once']);
    assert.equal(code, 0);
    const lines = stdout.split('\n').filter(line => line.startsWith('{'));
    return lines.some(line => (JSON.parse(line) as { message: string }).message === 'worker is ready');
  });
});

test('npm run pm2 -- ls reaches our daemon, and its log of the namespace shows life', async () => {
  const list = await cluster.script(['scripts/pm2.ts', 'jlist']);
  assert.equal(list.code, 0, list.stderr);
  const names = (JSON.parse(list.stdout) as Array<{ name: string }>).map(({ name }) => name).toSorted();
  assert.deepEqual(names, ['deci-blue', 'deci-blue', 'deci-control']);
  for (const name of ['deci-blue', 'deci-control']) {
    assert.match(readFileSync(join(cluster.runDir, 'output', `${name}-out.log`), 'utf8'), /is ready/);
  }
});

test('deci journal --follow tells what is healed while it happens, and Ctrl-C ends it with 130', async () => {
  const env = clusterEnvironment(cluster.home, { OLLAMA_URLS: cluster.fake.url });
  const follow = spawn(process.execPath, ['src/cli.ts', 'journal', '--follow', '--json'], { cwd: checkout, env });
  const ended = once(follow, 'close');
  let text = '';
  follow.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const [victim] = await cluster.workers();
  assert.ok(victim !== undefined);
  process.kill(victim.pid, 'SIGKILL');
  await until('it is told', () => text.includes(`process ${victim.pid}`), 20_000);
  const told = text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { target: string; healer: string });
  assert.equal(told.filter(({ target }) => target === `process ${victim.pid}`).length, 1, 'no record twice');
  follow.kill('SIGINT');
  const [code] = (await ended) as [number | null];
  assert.equal(code, 130);
});

/** A Node that is too old, as many systems have it. */
function oldNode(): string | undefined {
  const found = execFileSync('sh', ['-c', 'which -a node || true'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return found.find(path => {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' });
    return Number(/^v(\d+)/.exec(version)?.[1] ?? 99) < 24;
  });
}

test('on an old Node ecosystem.config.js says what to do in one line, and ends with 78', async t => {
  const node = oldNode();
  if (node === undefined) return t.skip('no Node below 24 is installed here');
  const child = spawn(node, ['--input-type=module', '-e', "await import('./ecosystem.config.js')"], { cwd: checkout });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    words += part;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 78);
  assert.match(words, /^Deci needs Node 24 or newer and this PM2 runs on \d+\.[^\n]+npm start[^\n]+\n$/);
});
