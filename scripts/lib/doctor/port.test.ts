import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { judgePort, lookAtPort } from './port.ts';
import { commandName, findPortHolder, listeners } from './port-holder.ts';

const nobody = { ports: [], daemonPid: undefined };
const host = '127.0.0.1';
const noProc = existsSync('/proc/net/tcp') ? false : 'this system has no /proc/net/tcp';

async function listen(t: TestContext): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('a free port is fine, and free again after the look', async t => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  assert.equal((await lookAtPort({ host, port }, nobody)).status, 'ok');
  const again = createServer().listen(port, host);
  t.after(() => again.close());
  await once(again, 'listening');
  assert.equal((await lookAtPort({ host, port: 'auto' }, nobody)).status, 'ok');
});

test('a port that another program holds is a failure that names it', { skip: noProc }, async t => {
  const port = await listen(t);
  const { status, detail, fix } = await lookAtPort({ host, port }, nobody);
  assert.equal(status, 'fail');
  assert.ok(detail.startsWith(`Port ${port} on ${host} is taken by another program (pid ${process.pid}, `), detail);
  assert.match(fix ?? '', /^Stop it, or set PORT/);
});

test('a port that our own cluster or its daemon holds is fine', { skip: noProc }, async t => {
  const port = await listen(t);
  assert.equal((await lookAtPort({ host, port }, { ports: [port], daemonPid: undefined })).status, 'ok');
  assert.equal((await lookAtPort({ host, port }, { ports: [], daemonPid: process.pid })).status, 'ok');
});

test('an address that is not of this machine is told as that', async () => {
  const { detail, fix } = await lookAtPort({ host: '192.0.2.1', port: 3001 }, nobody);
  assert.deepEqual([detail, fix], ['HOST 192.0.2.1 is not an address of this machine', 'Set HOST to one that is.']);
});

test('a holder that cannot be told is left out', () => {
  const problem = { code: 'EADDRINUSE', detail: 'taken', fix: 'stop it' };
  assert.deepEqual(judgePort(problem, undefined, nobody), { status: 'fail', detail: 'taken', fix: 'Stop it.' });
  assert.equal(findPortHolder(0), undefined);
});

test("the kernel's table: only listeners of exactly this port", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:0BB9 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:10BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1
`;
  assert.deepEqual(listeners(table, 3001), ['socket:[111]']);
  assert.deepEqual(listeners('', 3001), []);
});

test('a program is told with the file that it runs, and never with its other arguments', () => {
  assert.equal(commandName('/usr/bin/node\0server.js\0--key=secret\0', 'MainThread'), 'node server.js');
  assert.equal(commandName('ollama\0serve\0', 'ollama'), 'ollama');
  assert.equal(commandName('/usr/bin/node\0--token=secret.js\0', 'node'), 'node');
  assert.equal(commandName('nginx: master process /usr/sbin/nginx\0', 'nginx'), 'nginx');
  assert.equal(
    commandName('PM2 v7.0.4: God Daemon (/home/me/.pm2)\0', 'PM2 v7.0.4: God'),
    'PM2 v7.0.4: God Daemon (/home/me/.pm2)',
  );
  assert.equal(commandName('', 'gone'), 'gone');
});
