/** Somebody who listens where one of our processes should, and does not do what it would. */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

export type Lie = 'silent' | 'closes' | 'garbage' | 'half' | 'other JSON';

const words: Readonly<Record<Exclude<Lie, 'silent' | 'closes'>, string>> = {
  garbage: '\u0000\u0001 not HTTP at all\r\n\r\n',
  half: 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"state":"rea',
  'other JSON': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]',
};

/** @param socketPath taken away from whoever has it */
export async function lyingSocket(socketPath: string, lie: Lie): Promise<AsyncDisposable> {
  rmSync(socketPath, { force: true });
  const open = new Set<Socket>();
  const server = createServer(socket => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    if (lie === 'closes') socket.end();
    else if (lie !== 'silent') socket.write(words[lie]);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(socketPath, resolve);
  await promise;
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}
