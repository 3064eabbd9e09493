/**
 * When something that is done once a day is due, by the clock on the wall, whatever that clock does. The hour that a change to summer
 * time leaves out is made up for in the next one; the hour that comes twice, or a clock that is set back, finds the day done already.
 */

export interface WallClock {
  /** `2026-03-29`: two of them compare as texts. */
  readonly day: string;
  /** Since midnight, as the clock shows. */
  readonly minutes: number;
}

/** `run`, and remember the day before it begins; `remember` it without doing anything; or wait. */
export type DailyDecision = { readonly do: 'run' | 'remember'; readonly day: string } | { readonly do: 'wait' };

const dayMinutes = 24 * 60;
/** Who was away at that time catches up within it; later it would be in the middle of the day. */
export const graceMinutes = 120;
/** A day that lies further ahead was written by a clock that was wrong. */
const maxAheadDays = 2;

export function wallClock(now: Date): WallClock {
  const parts = [now.getFullYear(), now.getMonth() + 1, now.getDate()];
  const [year = '', month = '', date = ''] = parts.map(part => String(part).padStart(2, '0'));
  return { day: `${year.padStart(4, '0')}-${month}-${date}`, minutes: now.getHours() * 60 + now.getMinutes() };
}

/**
 * @param atMinutes since midnight
 * @param lastDay the day for which it was done last; undefined when it never was: then there is nothing to catch up with
 */
export function dailyDecision(atMinutes: number, now: WallClock, lastDay: string | undefined): DailyDecision {
  const hasPassed = now.minutes >= atMinutes;
  const day = hasPassed ? now.day : addDays(now.day, -1);
  if (lastDay === undefined || lastDay > addDays(now.day, maxAheadDays)) return { do: 'remember', day };
  const lateMinutes = hasPassed ? now.minutes - atMinutes : now.minutes + dayMinutes - atMinutes;
  return day > lastDay && lateMinutes < graceMinutes ? { do: 'run', day } : { do: 'wait' };
}

function addDays(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}
