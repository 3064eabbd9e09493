/** How scripts talk: numbered steps, one line each, ASCII; colours only on a terminal and without NO_COLOR. */
import { ScriptFailure } from './exit-codes.ts';

export interface OutputOptions {
  /** Nothing but the result may appear on stdout. */
  readonly quiet: boolean;
  readonly steps: number;
}

const labelWidth = 30;

export class Output {
  readonly #quiet: boolean;
  readonly #steps: number;
  readonly #colour = process.stdout.isTTY && !process.env['NO_COLOR'];
  #step = 0;

  constructor({ quiet, steps }: OutputOptions) {
    this.#quiet = quiet;
    this.#steps = steps;
  }

  /** @param work returns what is worth telling, in a few words */
  async step(label: string, work: () => string | Promise<string>): Promise<void> {
    this.#step += 1;
    const startedAt = performance.now();
    const head = `[${this.#step}/${this.#steps}] ${label} ${'.'.repeat(Math.max(3, labelWidth - label.length))}`;
    try {
      const detail = await work();
      const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)}s`;
      this.line(`${head} ${this.#paint('ok', 32)} ${seconds.padStart(6)}  ${detail}`.trimEnd());
    } catch (error) {
      this.line(`${head} ${this.#paint('FAIL', 31)}`);
      throw error;
    }
  }

  line(text: string): void {
    if (!this.#quiet) console.log(text);
  }

  #paint(text: string, code: number): string {
    return this.#colour ? `\u001B[${code}m${text}\u001B[0m` : text;
  }
}

/** A reader that has left, as `head` does, must not end a start or a stop halfway. */
function goOnUnheard(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Runs a script's main; what it throws becomes one message and an exit code. */
export async function runScript(main: () => Promise<number>): Promise<void> {
  // Sockets, logs and dumps are made by children too: nobody else may read them.
  process.umask(0o077);
  goOnUnheard();
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof ScriptFailure) {
      console.error(error.message);
      process.exitCode = error.exitCode;
    } else {
      console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      process.exitCode = 1;
    }
  }
}
