/** How a process of ours ended, in one object: what went wrong, and what it was doing. Pure. */
import { hash } from 'node:crypto';
import { redact } from './redact.ts';

/** `hang` is told by another process (`stack-report.ts`). */
export type CrashKind = 'uncaught_exception' | 'unhandled_rejection' | 'fatal_error';

export interface CrashCause {
  readonly name: string;
  readonly message: string;
  /** The innermost call first, one line each. */
  readonly stack: readonly string[];
}

/** Without what is asked and answered. */
export interface InFlight {
  readonly id: string;
  readonly route: string | null;
  readonly model: string | null;
  readonly age_ms: number;
  readonly phase: string;
}

/** What a process knows of itself at its end; null where nobody could ask it. */
export interface CrashSurroundings {
  readonly version: string;
  readonly source: string;
  readonly pid: number;
  readonly uptime_s: number | null;
  readonly in_flight: readonly InFlight[] | null;
  /** In bytes, by kind. */
  readonly memory: Readonly<Record<string, number>>;
  readonly event_loop: { readonly delay_ms: number; readonly utilisation: number } | null;
  readonly last_lines: readonly string[];
  /** How many of each kind were open. */
  readonly handles: Readonly<Record<string, number>>;
}

export interface CrashReport extends CrashSurroundings {
  readonly kind: CrashKind;
  readonly time: string;
  readonly fingerprint: string;
  readonly cause: CrashCause;
  /** How often it was seen, this time included. */
  readonly count: number;
  readonly first_time: string;
  /** A rejection that somebody handled after all, too late. */
  readonly handled_late?: boolean;
}

const maxFrames = 30;
const maxMessageChars = 1000;
const fingerprintFrames = 5;
const maxInFlight = 100;

export function causeOf(thrown: unknown): CrashCause {
  if (!(thrown instanceof Error)) return { name: typeof thrown, message: clip(textOf(thrown)), stack: [] };
  const frames = (thrown.stack ?? '').split('\n').filter(line => /^\s+at /.test(line));
  return {
    name: thrown.name,
    message: clip(thrown.message),
    stack: frames.slice(0, maxFrames).map(line => line.trim()),
  };
}

/** The same fault at the same place has the same one, in every process, release after release while the code there stays. */
export function fingerprintOf(kind: CrashKind | 'warning', { name, message, stack }: CrashCause): string {
  const places = stack
    .slice(0, fingerprintFrames)
    .map(frame => frame.replace(/:\d+:\d+\)?$/, '').replace(/^.*\/(src|node_modules)\//, '$1/'));
  // Where nobody knows the place, the words tell it, but for the numbers in them.
  const what = places.length > 0 ? places : [message.replace(/\d+/g, '0')];
  return hash('sha256', JSON.stringify([kind, name, ...what])).slice(0, 12);
}

/** @param secrets texts that are known to be secret */
export function buildReport(
  { kind, cause, time }: { readonly kind: CrashKind; readonly cause: CrashCause; readonly time: Date },
  around: CrashSurroundings,
  secrets: readonly string[],
): CrashReport {
  const at = time.toISOString();
  const report = {
    kind,
    time: at,
    fingerprint: fingerprintOf(kind, cause),
    count: 1,
    first_time: at,
    cause,
    ...around,
    in_flight: around.in_flight?.slice(0, maxInFlight) ?? null,
  };
  // The fingerprint is made before: it must not depend on what was taken out.
  return { ...(redact(report, secrets) as CrashReport), fingerprint: report.fingerprint };
}

/** @param earlier the report of the same fault that is there already */
export function counted(
  report: CrashReport,
  earlier: Pick<CrashReport, 'count' | 'first_time'> | undefined,
): CrashReport {
  if (earlier === undefined) return report;
  return { ...report, count: earlier.count + report.count, first_time: earlier.first_time };
}

function textOf(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  } catch {
    return String(thrown);
  }
}

function clip(text: string): string {
  return text.length > maxMessageChars ? `${text.slice(0, maxMessageChars)}...` : text;
}
