/** Which workers live in a run folder, and under which PM2 home, told by their sockets and by the kernel. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, isRunning } from '../kernel/process-identity.ts';
import type { Colour } from './run-state.ts';

export interface LiveWorker {
  readonly pid: number;
  readonly colour: Colour;
  readonly socketPath: string;
  /** Unknown where there is no `/proc`, and for a worker of another user. */
  readonly pm2Home: string | undefined;
}

export function controlSocketPath(runDir: string): string {
  return join(runDir, 'control.sock');
}

export interface LiveControl {
  readonly pid: number;
  /** Unknown where there is no `/proc`, and for a process of another user. */
  readonly pm2Home: string | undefined;
}

/** Who control is, also while it cannot answer: it is written down, together with the moment it began. */
export function controlIdentityPath(runDir: string): string {
  return join(runDir, 'control.pid');
}

export function liveControl(runDir: string): LiveControl | undefined {
  const [pidText, start = ''] = readText(controlIdentityPath(runDir)).trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive({ pid, start })) return undefined;
  return { pid, pm2Home: pm2HomeOf(pid) };
}

/** A worker that was killed leaves its socket behind, and its pid may be another program's by now: neither counts. */
export function liveWorkers(runDir: string): LiveWorker[] {
  const workers: LiveWorker[] = [];
  for (const name of namesIn(runDir)) {
    const match = /^(blue|green)-(\d+)\.sock$/.exec(name);
    if (match === null) continue;
    const pid = Number(match[2]);
    if (!isWorker(pid)) continue;
    workers.push({ pid, colour: match[1] as Colour, socketPath: join(runDir, name), pm2Home: pm2HomeOf(pid) });
  }
  return workers;
}

/** False for one that has ended and that nobody has collected yet, too: it has no command line any more. */
export function isWorker(pid: number): boolean {
  return isRunning(pid) && looksLikeWorker(pid);
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What must be a folder and is not is told by who wants to make one there.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function looksLikeWorker(pid: number): boolean {
  const command = readProc(pid, 'cmdline');
  return command === undefined || command.includes('main.ts');
}

function pm2HomeOf(pid: number): string | undefined {
  const entry = readProc(pid, 'environ')
    ?.split('\0')
    .find(variable => variable.startsWith('PM2_HOME='));
  return entry?.slice('PM2_HOME='.length);
}

function readProc(pid: number, file: 'cmdline' | 'environ'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
