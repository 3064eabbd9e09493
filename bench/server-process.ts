/**
 * The servers of the bench as child processes: pinned to a core, on a free port of loopback, ended by their id.
 * Whatever happens to the bench, none of them outlives it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const serverCore = 0;
export const clientCore = 1;

export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** From the spawn to the first answer. */
  readonly bootMs: number;
  stop(): Promise<void>;
}

export interface ServerSpec {
  readonly name: string;
  /** Relative to the checkout. */
  readonly script: string;
  readonly core: number;
  readonly env?: Readonly<Record<string, string>>;
}

const checkout = join(import.meta.dirname, '..');
const bootLimitMs = 15_000;
const leaveLimitMs = 5000;

/** Whether servers and client can have a core each. */
export function canPin(): boolean {
  return availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
}

/** The client's own threads leave the servers' core. */
export function pinSelf(): void {
  spawnSync('taskset', ['-acp', String(clientCore), String(process.pid)]);
}

export class ServerProcesses {
  readonly #children = new Set<ChildProcess>();
  readonly #pinned: boolean;

  constructor(pinned: boolean) {
    this.#pinned = pinned;
    process.on('exit', () => {
      for (const child of this.#children) child.kill('SIGKILL');
    });
  }

  /** Ends when the server answers `GET /api/version`. @throws Error with its last words when it does not */
  async start({ name, script, core, env = {} }: ServerSpec): Promise<ServerProcess> {
    const port = await freePort();
    const command = [process.execPath, join(checkout, script)];
    if (this.#pinned) command.unshift('taskset', '-c', String(core));
    const startedAt = performance.now();
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      cwd: checkout,
      // Nothing of the caller's own settings: they would make the run another one.
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production', PORT: String(port), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#children.add(child);
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-2000);
    });
    child.once('exit', () => this.#children.delete(child));
    while (!(await answers(port))) {
      if (child.exitCode !== null || performance.now() - startedAt > bootLimitMs) {
        child.kill('SIGKILL');
        throw new Error(`${name} does not answer: ${words}`);
      }
      await delay(4);
    }
    const bootMs = performance.now() - startedAt;
    return { name, pid: child.pid ?? 0, port, bootMs, stop: () => stop(child) };
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map(stop));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), leaveLimitMs);
  await gone;
  clearTimeout(late);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => resolve(false));
  socket.on('close', () => resolve(false));
  socket.once('data', data => {
    resolve(data.toString('latin1', 0, 12) === 'HTTP/1.1 200');
    socket.destroy();
  });
  socket.write('GET /api/version HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
  return promise;
}
