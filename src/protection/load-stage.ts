/**
 * How busy the event loop of a worker is, and who is refused at which. Pure.
 *
 * Two signals. Utilisation says that there is no time left, but not that anybody waits: a loop that is used to the full may answer
 * each within a millisecond. So it alone ends optional work and what nobody waits for; delay, which is what callers feel, decides
 * about the others. One long pause is no load: what counts is the delay that most seconds of the window have had, as in CoDel, which
 * goes by the standing delay of a queue and not by its peaks (Nichols, Jacobson: Controlling Queue Delay, 2012).
 */

/** Most urgent first. */
type Priority = 'interactive' | 'batch' | 'background';

export interface LoadReading {
  /** Part of the window in which the loop was not idle, from 0 to 1. */
  readonly utilisation: number;
  /** How late timers fire, for most of the window. */
  readonly delayMs: number;
}

export interface LoadLimits {
  /** Utilisation at which optional work stops; half way from there to 1 the least urgent requests are refused. */
  readonly shedAt: number;
  /** Delay at which the least urgent requests are refused; batch ones at twice as much, interactive ones at four times. */
  readonly delayMs: number;
}

/** `lean`: no optional work. Behind it, the most urgent class that is refused. */
export const loadStages = ['normal', 'lean', 'background', 'batch', 'interactive'] as const;
export type LoadStage = (typeof loadStages)[number];

/** In parts of the limit of delay. */
const delayParts: Readonly<Record<LoadStage, number>> = {
  normal: 0,
  lean: 0.5,
  background: 1,
  batch: 2,
  interactive: 4,
};
/** Every stage ends lower than it begins, so that none flaps. */
const endsAtPart = 0.8;
const endsBelow = 0.05;

export function nextLoadStage(stage: LoadStage, reading: LoadReading, limits: LoadLimits): LoadStage {
  const reached = loadStages.findLast(one => begins(one, reading, limits)) ?? 'normal';
  if (rankOf(reached) >= rankOf(stage) || goesOn(stage, reading, limits))
    return rankOf(reached) > rankOf(stage) ? reached : stage;
  // One step at a time: those who come back first are the ones who were missed most.
  return loadStages[rankOf(stage) - 1] ?? 'normal';
}

export function isRefused(stage: LoadStage, priority: Priority): boolean {
  return isShedding(stage) && rankOf(priority) <= rankOf(stage);
}

/** Whether anybody at all is refused. */
export function isShedding(stage: LoadStage): boolean {
  return rankOf(stage) >= rankOf('background');
}

function begins(stage: LoadStage, { utilisation, delayMs }: LoadReading, limits: LoadLimits): boolean {
  return delayMs >= delayParts[stage] * limits.delayMs || utilisation >= utilisationFor(stage, limits);
}

function goesOn(stage: LoadStage, { utilisation, delayMs }: LoadReading, limits: LoadLimits): boolean {
  if (stage === 'normal') return true;
  const isLate = delayMs >= endsAtPart * delayParts[stage] * limits.delayMs;
  return isLate || utilisation >= utilisationFor(stage, limits) - endsBelow;
}

function utilisationFor(stage: LoadStage, { shedAt }: LoadLimits): number {
  if (stage === 'lean') return shedAt;
  return stage === 'background' ? (shedAt + 1) / 2 : Number.POSITIVE_INFINITY;
}

function rankOf(stage: LoadStage): number {
  return loadStages.indexOf(stage);
}
