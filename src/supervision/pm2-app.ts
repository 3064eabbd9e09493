/** The live app in PM2, by PM2's own command line: it is a program beside ours and never a library of ours. */
import { join } from 'node:path';
import type { Command, CommandResult } from './run-command.ts';

export interface Pm2AppOptions {
  /** The name of the app. */
  readonly app: string;
  readonly checkout: string;
  readonly home: string;
  /** Never rejects. */
  readonly run: (command: Command, signal: AbortSignal) => Promise<CommandResult>;
}

export interface AppProcess {
  /** PM2's own number of it. */
  readonly id: number;
  /** 0 while there is none. */
  readonly pid: number;
  /** How often PM2 has put a new one there. */
  readonly restarts: number;
}

interface Listed {
  readonly pm_id: number;
  readonly pid?: number;
  readonly name: string;
  readonly pm2_env?: { readonly restart_time?: number };
}

export class Pm2App {
  readonly #options: Pm2AppOptions;

  constructor(options: Pm2AppOptions) {
    this.#options = options;
  }

  /** @throws Error when PM2 does not say */
  async list(signal: AbortSignal): Promise<readonly AppProcess[]> {
    const all = await this.#all(signal);
    return all
      .filter(({ name }) => name === this.#options.app)
      .map(({ pm_id: id, pid = 0, pm2_env: { restart_time: restarts = 0 } = {} }) => ({ id, pid, restarts }));
  }

  /** Of every app. @throws Error when PM2 does not say */
  async pids(signal: AbortSignal): Promise<ReadonlySet<number>> {
    return new Set((await this.#all(signal)).map(({ pid = 0 }) => pid));
  }

  /** Resolves when the new ones are ready, or their time is over. @throws Error when PM2 refuses */
  async scale(count: number, signal: AbortSignal): Promise<void> {
    await this.#pm2(['scale', this.#options.app, String(count)], signal);
  }

  /** By SIGINT, which lets a worker finish what it does; resolves when it is gone. @throws Error when PM2 refuses */
  async remove(id: number, signal: AbortSignal): Promise<void> {
    await this.#pm2(['delete', String(id)], signal);
  }

  /** It is not started again until somebody does. @throws Error when PM2 refuses */
  async stop(id: number, signal: AbortSignal): Promise<void> {
    await this.#pm2(['stop', String(id)], signal);
  }

  /** Also one that was stopped. Resolves when it is ready, or its time is over. @throws Error when PM2 refuses */
  async restart(id: number, signal: AbortSignal): Promise<void> {
    await this.#pm2(['restart', String(id)], signal);
  }

  async #all(signal: AbortSignal): Promise<readonly Listed[]> {
    const output = await this.#pm2(['jlist'], signal);
    const line = output.split('\n').findLast(text => text.startsWith('[{'));
    return JSON.parse(line ?? '[]') as readonly Listed[];
  }

  async #pm2(args: readonly string[], signal: AbortSignal): Promise<string> {
    const { checkout, home, run } = this.#options;
    const file = process.execPath;
    const env = {
      PM2_HOME: home,
      PM2_DISABLE_VERSION_CHECK: '1',
      PM2_DISCRETE_MODE: 'true',
      PM2_NO_INTERACTION: 'true',
    };
    const command = { file, args: [join(checkout, 'node_modules', 'pm2', 'bin', 'pm2'), ...args], env };
    const { code, output } = await run(command, signal);
    if (code !== 0) throw new Error(`pm2 ${args.join(' ')} ended with ${code ?? 'a signal'}: ${output.slice(-500)}`);
    return output;
  }
}
