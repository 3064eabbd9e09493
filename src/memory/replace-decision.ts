/** When a worker can no longer help itself and wants another in its place. Pure but for the times that it keeps. */
import { type MemoryLimits, type MemoryReading, stageBounds } from './pressure.ts';

export interface Replace {
  /** One word: `resident_memory`, `gc_time`, `memory_held`, `leak`. */
  readonly reason: string;
  /** RFC 3339, UTC. */
  readonly since: string;
}

export interface ReplaceSigns {
  readonly reading: MemoryReading;
  /** Part of the last 30 s in which the collector stopped the worker. */
  readonly gcShare: number;
  /** What its requests and its cache can be holding at most. */
  readonly knownBytes: number;
  readonly isShedding: boolean;
  /** Whether it leaks so fast that it ends before anybody looks. */
  readonly isLeaking: boolean;
}

const worstGcShare = 0.3;
/** For so long it must hold: a burst that passes is none of it. */
const holdMs = { gc_time: 0, leak: 0, memory_held: 2000, resident_memory: 5000 } as const;
/** A reason that is gone for so long is withdrawn. */
const overMs = 30_000;

type Reason = keyof typeof holdMs;

export class ReplaceDecision {
  readonly #limits: MemoryLimits;
  readonly #now: () => number;
  readonly #since = new Map<Reason, number>();
  #current: { readonly reason: Reason; readonly sinceMs: number; seenMs: number } | undefined;

  /** @param now wall clock, in ms */
  constructor(limits: MemoryLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get current(): Replace | null {
    if (this.#current === undefined) return null;
    const { reason, sinceMs } = this.#current;
    return { reason, since: new Date(sinceMs).toISOString() };
  }

  look(signs: ReplaceSigns): Replace | null {
    const now = this.#now();
    const seen = reasonsOf(signs, this.#limits);
    for (const reason of this.#since.keys()) if (!seen.includes(reason)) this.#since.delete(reason);
    for (const reason of seen) if (!this.#since.has(reason)) this.#since.set(reason, now);
    const due = seen.find(reason => now - (this.#since.get(reason) ?? now) >= holdMs[reason]);
    if (this.#current === undefined) {
      if (due !== undefined) this.#current = { reason: due, sinceMs: now, seenMs: now };
    } else if (seen.length > 0) {
      this.#current.seenMs = now;
    } else if (now - this.#current.seenMs >= overMs) {
      this.#current = undefined;
    }
    return this.current;
  }
}

function reasonsOf(signs: ReplaceSigns, limits: MemoryLimits): Reason[] {
  const { reading, gcShare, knownBytes, isShedding, isLeaking } = signs;
  const reasons: Reason[] = [];
  // No new work comes in, and what is there does not explain it: so nothing will give it back.
  const unknownHeap = (reading.liveBytes - knownBytes) / limits.heapBytes;
  const unknown = (reading.liveBytes + reading.externalBytes - knownBytes) / limits.rssBytes;
  if (isShedding && Math.max(unknownHeap, unknown) > stageBounds(limits.shedAt).close) reasons.push('memory_held');
  if (isLeaking) reasons.push('leak');
  if (gcShare > worstGcShare) reasons.push('gc_time');
  if (reading.rssBytes >= limits.rssBytes) reasons.push('resident_memory');
  return reasons;
}
