/**
 * When garbage is collected before the engine does it by itself. A full collection stops the worker, for about 300 ms where
 * 400 MB are alive, so it is made only where it can free or tell something. Pure.
 */
import type { MemoryLimits, MemoryReading } from './pressure.ts';

export interface CollectState {
  /** Since the last major collection, whoever made it. */
  readonly sinceMajorMs: number;
  /** Between two collections; each grows while they free little. */
  readonly pauses: CollectPauses;
  /** Part of the time since the last look in which the event loop worked. */
  readonly utilisation: number;
  readonly isUnderPressure: boolean;
}

export interface CollectPauses {
  readonly early: number;
  readonly confirm: number;
}

/** `confirm`: whether what is used is garbage. `early`: to have room. `look`: nobody has collected for long, and it costs little. */
export type CollectReason = 'confirm' | 'early' | 'look';

const worthBytes = 64 * 1024 * 1024;
/** `confirm`: while something is wrong anyway, it must be known soon whether it still is. */
export const firstPauses: CollectPauses = { early: 30_000, confirm: 2000 };
const longestPauses: CollectPauses = { early: 600_000, confirm: 8000 };
const busy = 0.7;
const idle = 0.3;
const lookEveryMs = 300_000;

export function whyCollect(
  { usedBytes, liveBytes }: Pick<MemoryReading, 'usedBytes' | 'liveBytes'>,
  limits: MemoryLimits,
  { sinceMajorMs, pauses, utilisation, isUnderPressure }: CollectState,
): CollectReason | undefined {
  const isHigh = usedBytes >= limits.shedAt * limits.heapBytes;
  if ((isHigh || isUnderPressure) && sinceMajorMs >= pauses.confirm) return 'confirm';
  const isWorthIt = usedBytes >= limits.collectAtBytes && usedBytes - liveBytes > worthBytes;
  if (isWorthIt && utilisation < busy && sinceMajorMs >= pauses.early) return 'early';
  const isCheap = usedBytes < limits.collectAtBytes && utilisation < idle;
  return isCheap && sinceMajorMs >= lookEveryMs ? 'look' : undefined;
}

/** @returns the pauses behind a collection: one that freed less than a tenth did not help */
export function nextPauses(
  pauses: CollectPauses,
  reason: CollectReason,
  usedBefore: number,
  usedAfter: number,
): CollectPauses {
  if (reason === 'look') return pauses;
  const helped = usedBefore - usedAfter >= usedBefore / 10;
  const pause = helped ? firstPauses[reason] : Math.min(longestPauses[reason], 2 * pauses[reason]);
  return { ...pauses, [reason]: pause };
}
