import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askSocket } from './socket-request.ts';

async function listen(t: TestContext, onSocket: (socket: Socket) => void): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'deci-socket-'));
  const socketPath = join(dir, 'peer.sock');
  const open = new Set<Socket>();
  const server = createServer(socket => {
    open.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(socketPath, resolve);
  await promise;
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return socketPath;
}

const question = { method: 'GET', path: '/state', timeoutMs: 300 } as const;

test('an answer comes back whole, with its status', async t => {
  const socketPath = await listen(t, socket => {
    socket.once('data', () => socket.end('HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno'));
  });
  const { status, text } = await askSocket({ ...question, socketPath });
  assert.deepEqual([status, text], [503, 'no']);
});

test('a socket that lies is a failure, each kind within the deadline', async t => {
  const lies: Record<string, (socket: Socket) => void> = {
    'says nothing': () => undefined,
    'closes at once': socket => socket.end(),
    'is not HTTP': socket => socket.end('hello\r\n\r\n'),
    'sends half': socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
    'never ends': socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
    'sends without end': socket => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const chunk = Buffer.alloc(1024 * 1024, 120);
      const pour = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', pour);
      pour();
    },
  };
  for (const [name, lie] of Object.entries(lies)) {
    const socketPath = await listen(t, lie);
    const startedAt = performance.now();
    await assert.rejects(askSocket({ ...question, timeoutMs: 2000, socketPath }), name);
    assert.ok(performance.now() - startedAt < 10_000, name);
  }
});

test('nobody listening is a failure at once', async () => {
  await assert.rejects(askSocket({ ...question, socketPath: join(tmpdir(), 'deci-nobody.sock') }), { code: 'ENOENT' });
});
