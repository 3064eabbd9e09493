/** `run/state.json`: what `npm start` started. Sockets and PM2 say what runs now; this says what is meant to run, and where. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Colour = 'blue' | 'green';

export interface RunState {
  readonly url: string;
  /** The colour that serves. */
  readonly live: Colour;
  readonly release: string;
  readonly pm2_home: string;
  readonly pids: readonly number[];
  readonly started_at: string;
  /** The port that was set and not to be had; absent where it serves on the one that was set. */
  readonly instead_of?: TakenPort;
  /** What was set when it was started, as it was written. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface TakenPort {
  readonly port: number;
  /** Who has it, in words; null where that cannot be seen. */
  readonly holder: string | null;
}

/** The names that have another value now, or one more or less. */
export function changedSettings(
  then: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(then), ...Object.keys(now)])].filter(name => then[name] !== now[name]).toSorted();
}

export function runStatePath(runDir: string): string {
  return join(runDir, 'state.json');
}

/** How often workers crashed since the start, and which of them are stopped for it: a start by hand begins anew. */
export function crashCountPath(runDir: string): string {
  return join(runDir, 'crashes.json');
}

export function quarantinePath(runDir: string): string {
  return join(runDir, 'quarantine.json');
}

/** @returns undefined when there is none, or when it cannot be understood: it is then as good as absent */
export function readRunState(runDir: string): RunState | undefined {
  let text: string;
  try {
    text = readFileSync(runStatePath(runDir), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  return parseRunState(text);
}

export function parseRunState(text: string): RunState | undefined {
  try {
    const state = JSON.parse(text) as Partial<RunState> | null;
    const valid =
      typeof state?.url === 'string' &&
      (state.live === 'blue' || state.live === 'green') &&
      typeof state.pm2_home === 'string' &&
      Array.isArray(state.pids);
    return valid ? (state as RunState) : undefined;
  } catch {
    return undefined;
  }
}
