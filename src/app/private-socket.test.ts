import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lyingSocket } from '../../test/faults/lying-socket.ts';
import { askSocket } from '../kernel/socket-request.ts';
import { PrivateSocket } from './private-socket.ts';

async function open(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'deci-socket-'));
  const socketPath = join(dir, 'process.sock');
  const takenBack = Promise.withResolvers<void>();
  const socket = new PrivateSocket({
    socketPath,
    routes: { 'GET /state': () => ({ body: 'mine' }) },
    random: () => 0,
    onTakenBack: () => takenBack.resolve(),
    onFailure: error => takenBack.reject(error),
  });
  await socket.start();
  t.after(async () => {
    await socket.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const ask = () => askSocket({ socketPath, method: 'GET', path: '/state', timeoutMs: 2000 });
  return { socketPath, socket, ask, takenBack: takenBack.promise };
}

test('a socket is for its owner alone, answers, and leaves no file behind', async t => {
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const { socketPath, socket, ask } = await open(t);
  assert.equal(statSync(socketPath).mode & 0o777, 0o700);
  assert.equal((await ask()).text, 'mine');
  await socket.stop();
  assert.equal(existsSync(socketPath), false);
});

test('a file that was removed is made again', async t => {
  const { socketPath, ask, takenBack } = await open(t);
  rmSync(socketPath);
  await takenBack;
  assert.equal((await ask()).text, 'mine');
});

test('a file that somebody else put there is taken back, and stays when he goes', async t => {
  const { socketPath, ask, takenBack } = await open(t);
  const liar = await lyingSocket(socketPath, 'garbage');
  await takenBack;
  assert.equal((await ask()).text, 'mine');
  // His going removes the file by its name, although it is ours by now.
  await liar[Symbol.asyncDispose]();
  await new Promise<void>(resolve => {
    const look = (): void => void (existsSync(socketPath) ? resolve() : setTimeout(look, 20));
    look();
  });
  assert.equal((await ask()).text, 'mine');
});
