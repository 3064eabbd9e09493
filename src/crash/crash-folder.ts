/**
 * The folder of crash reports: one file for each fault, however often it strikes; the newest are kept. Everything is written at once
 * and by itself, since the process that writes may be about to die.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CrashReport, counted } from './crash-report.ts';

export const maxReports = 50;
const name = /^crash-([0-9a-f]{12})\.json$/;
/** Ours are smaller; what is larger is somebody else's. */
const maxBytes = 1024 * 1024;

/** @returns the path @throws what the disk says */
export function keepReport(dir: string, report: CrashReport): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, `crash-${report.fingerprint}.json`);
  write(path, counted(report, readReport(path)));
  for (const old of reportsIn(dir).slice(maxReports)) rmSync(join(dir, old.file), { force: true });
  return path;
}

/** A rejection was handled after all. */
export function noteHandledLate(path: string): void {
  const report = readReport(path);
  if (report !== undefined) write(path, { ...report, handled_late: true });
}

export interface KeptReport {
  readonly file: string;
  readonly fingerprint: string;
  readonly changedAtMs: number;
}

/** The latest first. */
export function reportsIn(dir: string): readonly KeptReport[] {
  const files = namesIn(dir).flatMap(file => {
    const fingerprint = name.exec(file)?.[1];
    const stat = fingerprint === undefined ? undefined : statSync(join(dir, file), { throwIfNoEntry: false });
    return fingerprint === undefined || stat === undefined ? [] : [{ file, fingerprint, changedAtMs: stat.mtimeMs }];
  });
  return files.toSorted((one, other) => other.changedAtMs - one.changedAtMs);
}

/** @returns undefined when there is none, or none that can be understood */
export function readReport(path: string): CrashReport | undefined {
  try {
    if (statSync(path).size > maxBytes) return undefined;
    const report = JSON.parse(readFileSync(path, 'utf8')) as Partial<CrashReport> | null;
    const { fingerprint, count, first_time, cause } = report ?? {};
    const isOne = typeof fingerprint === 'string' && typeof count === 'number' && typeof first_time === 'string';
    return isOne && typeof cause === 'object' ? (report as CrashReport) : undefined;
  } catch {
    return undefined;
  }
}

export function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Whole or not at all: two processes may die of the same. */
function write(path: string, report: CrashReport): void {
  const part = `${path}.${process.pid}`;
  writeFileSync(part, `${JSON.stringify(report, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(part, path);
}
