/**
 * How near a worker is to the end of its memory, as one number, and what is done at which. Pure.
 *
 * Used heap alone says little: the engine lets garbage grow between two major collections, to 20 points above what is alive. So
 * what survived the last major collection counts, and what is used only where it stays. Envoy's overload manager is the model of
 * the stages.
 */

export interface MemoryReading {
  /** Heap that survived the last major collection; 0 before the first. */
  readonly liveBytes: number;
  readonly usedBytes: number;
  /** Outside the heap, held by objects in it: buffers. */
  readonly externalBytes: number;
  readonly rssBytes: number;
  /** Of all processes of the container together, without what the kernel can take back; undefined where nothing bounds it. */
  readonly container: { readonly workingSetBytes: number; readonly limitBytes: number } | undefined;
}

export interface MemoryLimits {
  readonly heapBytes: number;
  /** Above so much used heap, garbage is collected before the engine does it. */
  readonly collectAtBytes: number;
  /** Part of each limit at which new work is refused. */
  readonly shedAt: number;
  /** Resident memory at which the worker asks to be replaced. */
  readonly rssBytes: number;
}

export type MemoryCause = 'live_heap' | 'used_heap' | 'buffers' | 'resident' | 'container';

export interface Pressure {
  /** 1 is at the limit. */
  readonly value: number;
  readonly cause: MemoryCause;
}

/** `shrink`: optional memory goes. `shed`: no new work. `end`: the most expensive answers end. */
export type MemoryStage = 'normal' | 'shrink' | 'shed' | 'end';

/** Below it, the heap and its buffers do not explain resident memory, and refusing work would not give it back. */
const explainedPart = 0.6;

/** @param isConfirmed whether used heap stays where it is: seen right behind a collection, or again and again */
export function pressureOf(reading: MemoryReading, limits: MemoryLimits, isConfirmed: boolean): Pressure {
  const { liveBytes, usedBytes, externalBytes, rssBytes, container } = reading;
  const isExplained = usedBytes + externalBytes >= explainedPart * rssBytes;
  const candidates: Pressure[] = [
    { cause: 'live_heap', value: liveBytes / limits.heapBytes },
    { cause: 'used_heap', value: isConfirmed ? usedBytes / limits.heapBytes : 0 },
    { cause: 'buffers', value: (liveBytes + externalBytes) / limits.rssBytes },
    { cause: 'resident', value: isExplained ? rssBytes / limits.rssBytes : 0 },
    { cause: 'container', value: container === undefined ? 0 : container.workingSetBytes / container.limitBytes },
  ];
  return candidates.reduce((most, one) => (one.value > most.value ? one : most));
}

/** Parts of a limit. Every stage ends lower than it begins, so that none flaps. */
export function stageBounds(shedAt: number): {
  shrink: number;
  shed: number;
  end: number;
  close: number;
  endOver: number;
} {
  const end = (shedAt + 1) / 2;
  return { shrink: shedAt - 0.05, shed: shedAt, end, close: shedAt - 0.1, endOver: (shedAt + end) / 2 };
}

export function nextStage(stage: MemoryStage, value: number, shedAt: number): MemoryStage {
  const bounds = stageBounds(shedAt);
  if (value >= bounds.end || (stage === 'end' && value >= bounds.endOver)) return 'end';
  if (value >= bounds.shed) return 'shed';
  if (value < bounds.close) return 'normal';
  if (stage === 'shed' || stage === 'end') return 'shed';
  return stage === 'shrink' || value >= bounds.shrink ? 'shrink' : 'normal';
}
