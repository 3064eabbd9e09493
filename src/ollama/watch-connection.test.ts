import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WatchConnection } from './watch-connection.ts';

class Door {
  readonly sockets = new Set<Socket>();
  readonly server: Server = createServer(socket => this.sockets.add(socket.on('error', () => undefined)));

  async open(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async shut(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }
}

function watch(t: TestContext, port: number): { reached: () => Promise<void>; refused: () => Promise<string> } {
  const reached = Promise.withResolvers<void>();
  const told = { reached, refused: Promise.withResolvers<string>() };
  const connection = new WatchConnection({
    url: `http://127.0.0.1:${port}`,
    connectMs: 1000,
    random: () => 0.5,
    onReached: () => told.reached.resolve(),
    onRefused: error => told.refused.resolve(error.message),
  });
  connection.start();
  t.after(() => connection.stop());
  return {
    reached: async () => {
      await told.reached.promise;
      told.reached = Promise.withResolvers();
    },
    refused: async () => {
      const message = await told.refused.promise;
      told.refused = Promise.withResolvers();
      return message;
    },
  };
}

test('a server that dies is missed at once, and found again within seconds', { timeout: 10_000 }, async t => {
  const door = new Door();
  const port = await door.open();
  const told = watch(t, port);
  await told.reached();
  const atMs = performance.now();
  await door.shut();
  assert.match(await told.refused(), /ECONNREFUSED/);
  assert.ok(performance.now() - atMs < 2000);
  const again = new Door();
  await again.open(port);
  await told.reached();
  await again.shut();
});

test('a connection that is closed is made again, and that is all', { timeout: 10_000 }, async t => {
  const door = new Door();
  const told = watch(t, await door.open());
  t.after(() => door.shut());
  await told.reached();
  for (const socket of door.sockets) socket.end();
  await told.reached();
});

test('a process that stood still while it dialled calls nobody down', { timeout: 10_000 }, async t => {
  const door = new Door();
  const port = await door.open();
  t.after(() => door.shut());
  const told: string[] = [];
  const reached = Promise.withResolvers<void>();
  const connection = new WatchConnection({
    url: `http://127.0.0.1:${port}`,
    connectMs: 50,
    random: () => 0.5,
    onReached: () => reached.resolve(),
    onRefused: error => told.push(error.message),
  });
  t.after(() => connection.stop());
  connection.start();
  const untilMs = performance.now() + 400;
  while (performance.now() < untilMs);
  await reached.promise;
  assert.deepEqual(told, []);
});

test('a failure that says nothing of the server, such as a name that cannot be looked up now, calls it not down', async t => {
  const told: string[] = [];
  const dials = Promise.withResolvers<void>();
  let count = 0;
  const connection = new WatchConnection({
    url: 'http://name.invalid:1',
    connectMs: 5000,
    random: () => {
      if (++count === 2) dials.resolve();
      return 0.5;
    },
    onReached: () => undefined,
    onRefused: error => told.push(error.message),
  });
  t.after(() => connection.stop());
  connection.start();
  await dials.promise;
  assert.deepEqual(told, []);
});

test('what is stopped dials no more', { timeout: 10_000 }, async () => {
  const door = new Door();
  const port = await door.open();
  let refused = 0;
  const reached = Promise.withResolvers<void>();
  const connection = new WatchConnection({
    url: `http://127.0.0.1:${port}`,
    connectMs: 1000,
    random: () => 0.5,
    onReached: () => reached.resolve(),
    onRefused: () => refused++,
  });
  connection.start();
  await reached.promise;
  connection.stop();
  await door.shut();
  assert.equal(refused, 0);
});
