/**
 * A process and the moment it began. A pid alone proves nothing: the kernel gives it to somebody else once its owner is gone.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since the machine started, as the kernel tells it; empty where there is no `/proc`. */
  readonly start: string;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, start: processStart(process.pid) ?? '' };
}

/** @returns undefined where there is no `/proc`, and when the process is gone or only waits to be collected */
export function processStart(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields === undefined || isOver(fields[0]) ? undefined : fields[19];
}

/** Of the kernel's clock that starts of processes are told in; it has been 100 on Linux for as long as anybody remembers. */
const ticksPerSecond = 100;

/** How long ago a process began, in ms. @returns undefined where there is no `/proc`, or nobody knows when it began */
export function processAgeMs({ start }: ProcessIdentity): number | undefined {
  try {
    const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0]);
    const ageMs = (upSeconds - Number(start) / ticksPerSecond) * 1000;
    return start === '' || !Number.isFinite(ageMs) ? undefined : ageMs;
  } catch {
    return undefined;
  }
}

/** Whether exactly this process still runs. One that has ended and that nobody has collected yet does not. */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  if (!isRunning(pid)) return false;
  const fields = statFields(pid);
  if (fields === undefined) return true;
  return !isOver(fields[0]) && (start === '' || fields[19] === start);
}

/** Whether some process has this pid. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isOver(state: string | undefined): boolean {
  return state === 'Z' || state === 'X';
}

/** What stands behind the name, which may itself hold blanks and brackets: the state first, the start twentieth. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
