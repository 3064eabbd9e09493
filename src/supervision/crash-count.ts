/** How often workers were started again after they had died, over a sliding window, told by the counters of PM2. Pure. */

/** One place in PM2's list, and how often it put a new process there. */
export interface Restarts {
  readonly id: number;
  readonly restarts: number;
}

export interface CrashCount {
  /** What PM2 had counted at the last look, by its own number. */
  readonly known: Readonly<Record<string, number>>;
  /** When each restart was seen, in ms since 1970; the oldest first. */
  readonly times: readonly number[];
}

/** However long it goes on: more than that tells nothing more. */
const maxTimes = 1000;

/**
 * @param before undefined at the first look of all: what PM2 counted until then is nobody's fault
 */
export function countCrashes(
  before: CrashCount | undefined,
  list: readonly Restarts[],
  { nowMs, windowMs }: { readonly nowMs: number; readonly windowMs: number },
): CrashCount {
  const known = Object.fromEntries(list.map(({ id, restarts }) => [String(id), restarts]));
  if (before === undefined) return { known, times: [] };
  const crashes = list.reduce((sum, { id, restarts }) => sum + since(before.known[String(id)] ?? 0, restarts), 0);
  const recent = before.times.filter(time => Math.abs(nowMs - time) < windowMs);
  const times = [...recent, ...Array.from({ length: crashes }, () => nowMs)].slice(-maxTimes);
  return { known, times };
}

/** A counter that is lower than it was began anew. */
function since(before: number, now: number): number {
  return now >= before ? now - before : now;
}
