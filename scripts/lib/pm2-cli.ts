/**
 * PM2 through its command line, for one PM2 home. It is a program beside ours and never a library of ours. The daemon gets a
 * clean environment: workers inherit it, so a variable of the shell that started it would stay in force for its whole life.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { isOwnApp } from '../../src/config/own-app.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export interface Pm2Process {
  /** PM2's own number of it. */
  readonly id: number;
  readonly name: string;
  readonly namespace: string;
  readonly pid: number;
  readonly status: string;
  readonly restarts: number;
  readonly memoryBytes: number;
  readonly upSince: number;
  readonly errorFile: string;
}

export interface Pm2Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly output: string;
}

const kept = /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR))$/;

export class Pm2 {
  readonly home: string;
  readonly #checkout: string;
  readonly #env: Variables;

  constructor(home: string, checkout: string, env: Variables) {
    this.home = home;
    this.#checkout = checkout;
    this.#env = {
      ...Object.fromEntries(Object.entries(env).filter(([name]) => kept.test(name))),
      PM2_HOME: home,
      // In force before the first line of a worker runs, so that not even its entry file is stripped of its types again.
      NODE_COMPILE_CACHE: join(dirname(home), 'compile-cache'),
      // No question to its maker's server about versions, no banner, no agent.
      PM2_DISABLE_VERSION_CHECK: '1',
      PM2_DISCRETE_MODE: 'true',
      PM2_NO_INTERACTION: 'true',
      // How many workers one command acts on at a time: with two, the drains of a big cluster would queue up.
      PM2_CONCURRENT_ACTIONS: '64',
    };
  }

  /** What a child process needs to run PM2 itself, attached to a terminal. */
  command(args: readonly string[]): { file: string; args: string[]; env: Variables } {
    const bin = join(this.#checkout, 'node_modules', 'pm2', 'bin', 'pm2');
    return { file: process.execPath, args: [bin, ...args], env: this.#env };
  }

  /** @param signal ends the command, not what the daemon does because of it */
  async run(args: readonly string[], variables: Variables = {}, signal?: AbortSignal): Promise<Pm2Answer> {
    const { file, args: full, env } = this.command(args);
    const child = spawn(file, full, {
      cwd: this.#checkout,
      env: { ...env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const { promise, resolve, reject } = Promise.withResolvers<Pm2Answer>();
    child.once('error', reject);
    child.once('close', code => resolve({ code, stdout, output }));
    return promise;
  }

  /** Whether the daemon answers. Asking PM2 itself would start one. */
  async isUp(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = createConnection(join(this.home, 'rpc.sock'));
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    const up = await promise;
    socket.destroy();
    return up;
  }

  daemonPid(): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.home, 'pm2.pid'), 'utf8'));
      return pid > 0 && isRunning(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * The processes of one installation; none when no daemon is up.
   * @param output the folder that it lets its processes write in
   */
  async list(output: string, signal?: AbortSignal): Promise<Pm2Process[]> {
    return (await this.listAll(signal)).filter(app => isOwnApp(app, output));
  }

  /** Whatever the daemon runs, for whomever. */
  async listAll(signal?: AbortSignal): Promise<Pm2Process[]> {
    if (!(await this.isUp())) return [];
    const { stdout } = await this.run(['jlist'], {}, signal);
    // A daemon of another version makes it print advice first.
    const line = stdout.split('\n').findLast(text => text.startsWith('[{'));
    return (JSON.parse(line ?? '[]') as RawProcess[]).map(readProcess);
  }
}

interface RawProcess {
  readonly pm_id: number;
  readonly name: string;
  readonly pid: number;
  readonly monit?: { readonly memory: number };
  readonly pm2_env: {
    readonly status: string;
    readonly namespace?: string;
    readonly restart_time: number;
    readonly pm_uptime: number;
    readonly pm_err_log_path?: string;
  };
}

function readProcess({ pm_id: id, name, pid, monit, pm2_env }: RawProcess): Pm2Process {
  return {
    id,
    name,
    namespace: pm2_env.namespace ?? '',
    pid,
    status: pm2_env.status,
    restarts: pm2_env.restart_time,
    memoryBytes: monit?.memory ?? 0,
    upSince: pm2_env.pm_uptime,
    errorFile: pm2_env.pm_err_log_path ?? '',
  };
}
