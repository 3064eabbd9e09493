/**
 * When garbage is collected before the engine does it by itself. A full collection stops the worker, for about 300 ms where
 * 400 MB are alive, so it is made only where it can free or tell something. Pure.
 */
import type { MemoryLimits, MemoryReading } from './pressure.ts';

export interface CollectState {
  /** Since the last major collection, whoever made it. */
  readonly sinceMajorMs: number;
  /** Grows while collections free little. */
  readonly pauseMs: number;
  /** Part of the time since the last look in which the event loop worked. */
  readonly utilisation: number;
  readonly isUnderPressure: boolean;
}

/** `confirm`: whether what is used is garbage. `early`: to have room. `look`: nobody has collected for long, and it costs little. */
export type CollectReason = 'confirm' | 'early' | 'look';

const worthBytes = 64 * 1024 * 1024;
export const firstPauseMs = 30_000;
const longestPauseMs = 600_000;
/** While something is wrong anyway, it must be known soon whether it still is. */
const pressurePauseMs = 2000;
const busy = 0.7;
const idle = 0.3;
const lookEveryMs = 300_000;

export function whyCollect(
  { usedBytes, liveBytes }: Pick<MemoryReading, 'usedBytes' | 'liveBytes'>,
  limits: MemoryLimits,
  { sinceMajorMs, pauseMs, utilisation, isUnderPressure }: CollectState,
): CollectReason | undefined {
  const isHigh = usedBytes >= limits.shedAt * limits.heapBytes;
  if ((isHigh || isUnderPressure) && sinceMajorMs >= pressurePauseMs) return 'confirm';
  const isWorthIt = usedBytes >= limits.collectAtBytes && usedBytes - liveBytes > worthBytes;
  if (isWorthIt && utilisation < busy && sinceMajorMs >= pauseMs) return 'early';
  const isCheap = usedBytes < limits.collectAtBytes && utilisation < idle;
  return isCheap && sinceMajorMs >= lookEveryMs ? 'look' : undefined;
}

/** @returns the pause behind a collection: one that freed less than a tenth did not help */
export function nextPauseMs(pauseMs: number, usedBefore: number, usedAfter: number): number {
  return usedBefore - usedAfter < usedBefore / 10 ? Math.min(longestPauseMs, 2 * pauseMs) : firstPauseMs;
}
