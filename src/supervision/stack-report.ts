/**
 * What a process of ours is doing that does not answer any more: its state, and its stack where it runs JavaScript. A signal would
 * not tell (Node handles it in the event loop, which is what hangs), but the debugger interrupts a loop. It listens on loopback from
 * then on until the process is killed, a moment later.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, parseObject } from '../kernel/json.ts';
import { makeFolder } from '../kernel/make-folder.ts';
import { pause } from '../kernel/pause.ts';
import { debuggerPortOf } from './debugger-port.ts';

const withinMs = 1000;
const askAgainMs = 25;
const maxFrames = 40;
const maxReports = 50;
const reportName = /^hang-.*\.json$/;

/** @returns the path of the report; undefined when it could not be written. Never rejects. */
export async function reportHang(dir: string, pid: number, now: Date): Promise<string | undefined> {
  const state = stateOf(pid);
  // A process that was stopped does nothing for a debugger either.
  const stack = state?.startsWith('T') === true ? undefined : await stackOf(pid);
  const report = { time: now.toISOString(), kind: 'hang', pid, state: state ?? null, stack: stack ?? null };
  const path = join(dir, `hang-${now.toISOString().replaceAll(':', '-')}-${pid}.json`);
  try {
    makeFolder(dir);
    writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`, { mode: 0o600 });
    for (const name of reportsIn(dir).slice(0, -maxReports)) rmSync(join(dir, name), { force: true });
    return path;
  } catch {
    // A disk that is full keeps nobody from being killed.
    return undefined;
  }
}

/** As the kernel tells it, for example `R (running)`. */
function stateOf(pid: number): string | undefined {
  try {
    return /^State:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** The innermost call first. @returns undefined when it could not be had in time */
async function stackOf(pid: number): Promise<readonly string[] | undefined> {
  const signal = AbortSignal.timeout(withinMs);
  let socket: WebSocket | undefined;
  try {
    process.kill(pid, 'SIGUSR1');
    socket = new WebSocket(await debuggerUrlOf(pid, signal));
    await once(socket, 'open', { signal });
    const paused = Promise.withResolvers<readonly string[]>();
    // Not one message at a time: it tells every file that it has read first, many at once.
    socket.addEventListener('message', ({ data }) => {
      const frames = framesOf(String(data));
      if (frames !== undefined) paused.resolve(frames);
    });
    signal.addEventListener('abort', () => paused.reject(new Error('no stack in time')));
    socket.send(JSON.stringify({ id: 1, method: 'Debugger.enable' }));
    socket.send(JSON.stringify({ id: 2, method: 'Debugger.pause' }));
    return await paused.promise;
  } catch {
    return undefined;
  } finally {
    socket?.close();
  }
}

async function debuggerUrlOf(pid: number, signal: AbortSignal): Promise<string> {
  let port: number | undefined;
  while (port === undefined) {
    port = debuggerPortOf(pid);
    if (port === undefined) await pause(askAgainMs, signal);
  }
  const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal });
  const [target] = (await answer.json()) as ReadonlyArray<{ readonly webSocketDebuggerUrl?: string }>;
  return target?.webSocketDebuggerUrl ?? '';
}

/** @returns undefined for any other message */
function framesOf(message: string): readonly string[] | undefined {
  if (!message.includes('"Debugger.paused"')) return undefined;
  const event = parseObject(message);
  if (event?.['method'] !== 'Debugger.paused' || !isObject(event['params'])) return undefined;
  const { callFrames } = event['params'];
  return Array.isArray(callFrames) ? callFrames.slice(0, maxFrames).map(frameText) : [];
}

function frameText(frame: unknown): string {
  if (!isObject(frame)) return '';
  const { functionName, url, location } = frame;
  const { lineNumber, columnNumber } = isObject(location) ? location : {};
  const name = typeof functionName === 'string' && functionName !== '' ? functionName : '(anonymous)';
  const file = typeof url === 'string' ? url : '';
  return `${name} ${file}:${Number(lineNumber) + 1}:${Number(columnNumber) + 1}`;
}

function reportsIn(dir: string): string[] {
  return readdirSync(dir)
    .filter(name => reportName.test(name))
    .toSorted();
}
