/**
 * Runs a program to its end, or to its deadline: then it is killed with all it started. What it left running when it ended by itself
 * lives on, and may go on writing. Its output is kept in part.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** All it finds in its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  /** Undefined when it could not be started, or was killed. */
  readonly code: number | undefined;
  /** The beginning of what it wrote, both streams mixed. */
  readonly output: string;
}

const maxOutputBytes = 64 * 1024;
/** For the rest of the output, once it has ended. */
const drainMs = 250;

/** Never rejects. @param signal its deadline */
export function runCommand({ file, args, env = {} }: Command, signal: AbortSignal): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  // A group of its own, so that what it started ends with it.
  const child = spawn(file, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env });
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
    clearTimeout(drain);
    signal.removeEventListener('abort', onAbort);
    resolve({ code, output });
  };
  let drain: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    kill();
    end(undefined);
    // What left the group may hold the pipes open for ever.
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  };
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  child.once('error', error => {
    output ||= error.message;
    end(undefined);
  });
  child.once('exit', code => {
    // The group is from now on that of what it left running.
    signal.removeEventListener('abort', onAbort);
    drain = setTimeout(() => {
      handOver(child);
      end(code ?? undefined);
    }, drainMs);
  });
  child.once('close', code => end(code ?? undefined));
  return promise;
}

/**
 * A server that writes to a pipe nobody reads ends by SIGPIPE. What it writes from now on goes nowhere, by a process that lives as long
 * as it does: this one may end earlier.
 */
function handOver({ stdout, stderr }: ChildProcess): void {
  for (const stream of [stdout, stderr]) {
    if (stream === null || stream.destroyed || stream.readableEnded) continue;
    stream.removeAllListeners('data').pause();
    // Started by a shell that ends at once, it is no child of ours; background jobs read nothing unless they are told to.
    const reader = spawn('/bin/sh', ['-c', 'exec 3<&0; cat <&3 >/dev/null 2>&1 &'], {
      detached: true,
      stdio: [stream, 'ignore', 'ignore'],
      env: {},
    });
    reader.once('error', () => undefined);
    reader.unref();
    stream.destroy();
  }
}
