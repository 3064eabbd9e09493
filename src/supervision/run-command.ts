/** Runs a program to its end, or to its deadline: then it is killed with all it started. Its output is kept in part. */
import { spawn } from 'node:child_process';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** On top of the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  /** Undefined when it could not be started, or was killed. */
  readonly code: number | undefined;
  /** The beginning of what it wrote, both streams mixed. */
  readonly output: string;
}

const maxOutputBytes = 64 * 1024;

/** Never rejects. @param signal its deadline */
export function runCommand({ file, args, env }: Command, signal: AbortSignal): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  // A group of its own, so that what it started ends with it.
  const settings = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`);
  const [program, given] = settings.length === 0 ? [file, args] : ['env', [...settings, file, ...args]];
  const child = spawn(program, given, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < maxOutputBytes) output += text.slice(0, maxOutputBytes - output.length);
    });
  }
  const kill = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  };
  const end = (code: number | undefined): void => {
    signal.removeEventListener('abort', onAbort);
    resolve({ code, output });
  };
  const onAbort = (): void => {
    kill();
    // What left the group may hold the pipes open for ever.
    end(undefined);
  };
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  child.once('error', error => {
    output ||= error.message;
    end(undefined);
  });
  child.once('close', code => end(code ?? undefined));
  return promise;
}
