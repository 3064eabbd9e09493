/** Whether the clock can be right: keys, sessions, certificates and the names of log files depend on it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, type Finding, fail, ok } from './finding.ts';

const dayMs = 86_400_000;
/** Before this version was written, and far beyond its life. */
const earliestMs = Date.UTC(2026, 0, 1);
const latestMs = Date.UTC(2100, 0, 1);
const fix = 'Set the clock of this machine: timedatectl set-ntp true.';

export function clockChecks(checkout: string, now: () => number): Check[] {
  const look = (): Finding => judgeClock(now(), statSync(join(checkout, 'package-lock.json')).mtimeMs);
  return [{ group: 'Clock', name: 'time', look }];
}

/** @param installedMs when the files of this version were written here; a day off is a matter of time zones and copies */
export function judgeClock(nowMs: number, installedMs: number): Finding {
  const told = Number.isFinite(nowMs) ? new Date(nowMs).toISOString() : String(nowMs);
  if (!(nowMs >= earliestMs && nowMs < latestMs)) return fail(`it says ${told}, which cannot be`, fix);
  if (nowMs < installedMs - dayMs) {
    return fail(`it says ${told}, before these files were written (${new Date(installedMs).toISOString()})`, fix);
  }
  return ok(told);
}
