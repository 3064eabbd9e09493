/** How scripts talk: numbered steps, one line each, ASCII; colours only on a terminal and without NO_COLOR. */
import { exitCodeOf, onReaderGone } from '../../src/kernel/command-run.ts';

export interface OutputOptions {
  /** Nothing but the result may appear on stdout. */
  readonly quiet: boolean;
  readonly steps: number;
}

const labelWidth = 30;

export class Output {
  readonly #quiet: boolean;
  readonly #steps: number;
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
      this.line(`${head} ${paint('ok', 32)} ${seconds.padStart(6)}  ${detail}`.trimEnd());
    } catch (error) {
      this.line(`${head} ${paint('FAIL', 31)}`);
      throw error;
    }
  }

  line(text: string): void {
    if (!this.#quiet) console.log(text);
  }
}

/** @param code of a terminal's colour, for example 31 for red */
export function paint(text: string, code: number): string {
  const colour = process.stdout.isTTY && !process.env['NO_COLOR'];
  return colour ? `\u001B[${code}m${text}\u001B[0m` : text;
}

/** Runs a script's main; what it throws becomes one message and an exit code. */
export async function runScript(main: () => Promise<number>): Promise<void> {
  // Sockets, logs and dumps are made by children too: nobody else may read them.
  process.umask(0o077);
  // A start or a stop goes on to its end, heard or not.
  onReaderGone([process.stdout, process.stderr], () => undefined);
  process.exitCode = await exitCodeOf(main, message => console.error(message));
}
