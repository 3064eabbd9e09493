import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readConfig } from '../../../src/config/config.ts';
import { until } from '../../../test/support/until.ts';
import { clusterChecks } from './cluster-checks.ts';
import { runChecks } from './run-checks.ts';

const childList = `/proc/${process.pid}/task/${process.pid}/children`;

async function listen(t: TestContext, path: string, onSocket: (socket: Socket) => void): Promise<void> {
  const open = new Set<Socket>();
  const server = createServer(socket => {
    open.add(socket.on('error', () => undefined));
    onSocket(socket);
  }).listen(path);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
}

function home(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-doctor-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'run', 'pm2'), { recursive: true });
  return dir;
}

test('a PM2 daemon that does not answer costs the checks that need it, not the others, and leaves no process', async t => {
  const dir = home(t);
  await listen(t, join(dir, 'run', 'pm2', 'rpc.sock'), () => undefined);
  const config = readConfig({ DECI_HOME: dir, PORT: 'auto' }, '/opt/deci');
  const results = await runChecks(clusterChecks(config, { PM2_HOME: join(dir, 'none') }), 1500);
  assert.deepEqual(
    results.map(({ name, status }) => [name, status]),
    [
      ['port', 'ok'],
      ['workers', 'ok'],
      ['control', 'ok'],
      ['pm2, ours', 'fail'],
      ["pm2, the user's", 'ok'],
      ['pm2 homes', 'fail'],
      ['watched', 'ok'],
    ],
  );
  if (existsSync(childList))
    await until('the command of PM2 has ended', () => readFileSync(childList, 'utf8').trim() === '');
  assert.equal(existsSync(join(dir, 'none')), false);
});

test('control is asked on its socket; what lies there without workers is a warning', async t => {
  const dir = home(t);
  await listen(t, join(dir, 'run', 'control.sock'), socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'));
  });
  const config = readConfig({ DECI_HOME: dir, PORT: 'auto' }, '/opt/deci');
  const controlOf = async (runDir: string): Promise<string | undefined> => {
    const places = { ...config.places, runDir };
    const results = await runChecks(clusterChecks({ ...config, places }, { PM2_HOME: join(dir, 'none') }));
    return results.find(({ name }) => name === 'control')?.status;
  };
  assert.equal(await controlOf(join(dir, 'run')), 'ok');
  const other = home(t);
  await listen(t, join(other, 'run', 'control.sock'), socket => socket.end('hello\r\n\r\n'));
  assert.equal(await controlOf(join(other, 'run')), 'warn');
});
