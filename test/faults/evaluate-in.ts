/** Code that is put into a process of ours by its debugger: faults that no product has a switch for. */
import { once } from 'node:events';
import { debuggerPortOf } from '../../src/supervision/debugger-port.ts';
import { until } from '../support/until.ts';

export async function evaluateIn(pid: number, expression: string): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  let port: number | undefined;
  await until('the debugger listens', () => {
    port = debuggerPortOf(pid);
    return port !== undefined;
  });
  const list = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [target] = (await list.json()) as ReadonlyArray<{ readonly webSocketDebuggerUrl: string }>;
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  const answered = once(socket, 'message');
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
  await answered;
  socket.close();
}
