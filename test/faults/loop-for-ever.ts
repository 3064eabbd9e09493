/** An event loop that never comes back: a real endless loop, put into a process by its debugger. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { debuggerPortOf } from '../../src/supervision/debugger-port.ts';
import { until } from '../support/until.ts';

/** In clock ticks of 10 ms: so much an idle process does not take. */
const looping = 30;

/** Resolves when the process is in the loop. */
export async function loopForEver(pid: number): Promise<void> {
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
  const before = cpuTicks(pid);
  socket.send(
    JSON.stringify({
      id: 1,
      method: 'Runtime.evaluate',
      params: { expression: 'setImmediate(function neverEnds() { for (;;) {} })' },
    }),
  );
  await until('it loops', () => cpuTicks(pid) - before >= looping);
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
