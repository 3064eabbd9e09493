/** What an earlier run has left in the run folder: PM2's home, and the note on what runs. */
import { existsSync, statSync } from 'node:fs';
import type { LiveWorker } from '../../../src/config/live-workers.ts';
import { type RunState, readRunState, runStatePath } from '../../../src/config/run-state.ts';
import { isRunning } from '../../../src/kernel/process-identity.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { octal } from './folders.ts';

export interface StateFacts {
  readonly path: string;
  readonly exists: boolean;
  readonly state: RunState | undefined;
  readonly liveWorkers: number;
  readonly isRunning: (pid: number) => boolean;
}

export function readState(runDir: string, workers: readonly LiveWorker[]): StateFacts {
  const path = runStatePath(runDir);
  return { path, exists: existsSync(path), state: readRunState(runDir), liveWorkers: workers.length, isRunning };
}

/** Workers are replaced by reloads and crashes, and the note keeps the pids of the start: it is stale when none lives at all. */
export function judgeState({ path, exists, state, liveWorkers, isRunning: runs }: StateFacts): Finding {
  if (!exists) return ok(liveWorkers === 0 ? 'nothing was started' : 'not written: started by another PM2');
  const again = 'npm stop removes it, npm start writes it anew.';
  if (state === undefined) return warn(`${path} cannot be understood`, again);
  if (liveWorkers > 0) return ok(`${state.live} serves since ${state.started_at}`);
  const alive = state.pids.filter(runs);
  const others = alive.length === 0 ? '' : `; ${alive.join(', ')} are other programs by now`;
  return warn(
    `${path} names pids that do not run (${state.pids.join(', ')})${others}`,
    `They did not leave by npm stop. ${again}`,
  );
}

export function lookAtPm2Home(path: string): Finding {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return ok(`${path} (made at the first start)`);
  if (!stats.isDirectory()) return fail(`${path} is not a folder`, 'Move it away.');
  if ((stats.mode & 0o077) === 0) return ok(path);
  return warn(`${path} is open to others (mode ${octal(stats.mode)}), who could command PM2`, `chmod 700 ${path}`);
}
