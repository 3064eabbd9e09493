/** What every command gets from the entry. */
import type { ApiClient } from './api-client.ts';

export interface CommandOutput {
  /** A line of the result. */
  readonly line: (text: string) => void;
  /** A line about the run, beside the result. */
  readonly note: (text: string) => void;
  /** Cells of the terminal; undefined when the result goes elsewhere. */
  readonly columns: number | undefined;
  readonly colour: boolean;
}

export interface CommandContext {
  /** Looked up when a command runs, so that `--help` needs no server, no key and no valid configuration. */
  readonly client: () => ApiClient;
  readonly out: CommandOutput;
  /** Fires on Ctrl-C, and when nobody reads the result any more. */
  readonly signal: AbortSignal;
}

const colours = { red: 31, green: 32, yellow: 33 } as const;

export function paint({ colour }: CommandOutput, text: string, name: keyof typeof colours): string {
  return colour ? `\u001B[${colours[name]}m${text}\u001B[0m` : text;
}
