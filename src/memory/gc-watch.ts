/**
 * What the garbage collector says of itself: how much survived each major collection, and how much time it takes. Owner: the
 * memory guard.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const windowMs = 30_000;
const bucketMs = 1000;

/** Time spent in the last 30 s, in buckets of one second. */
export class GcTime {
  readonly #buckets = new Float64Array(windowMs / bucketMs);
  #bucket = 0;

  add(nowMs: number, durationMs: number): void {
    this.#moveTo(nowMs);
    const at = this.#bucket % this.#buckets.length;
    this.#buckets[at] = (this.#buckets[at] ?? 0) + durationMs;
  }

  /** Part of the window, from 0 to 1. */
  share(nowMs: number): number {
    this.#moveTo(nowMs);
    return this.#buckets.reduce((sum, ms) => sum + ms, 0) / windowMs;
  }

  #moveTo(nowMs: number): void {
    const bucket = Math.floor(nowMs / bucketMs);
    const steps = Math.min(bucket - this.#bucket, this.#buckets.length);
    for (let step = 0; step < steps; step++) this.#buckets[(bucket - step) % this.#buckets.length] = 0;
    if (bucket > this.#bucket) this.#bucket = bucket;
  }
}

export class GcWatch {
  readonly #observer: PerformanceObserver;

  /** @param onGc called soon after each collection, not within it */
  constructor(
    onGc: (gc: { readonly isMajor: boolean; readonly endedAtMs: number; readonly durationMs: number }) => void,
  ) {
    this.#observer = new PerformanceObserver(list => {
      for (const entry of list.getEntries()) {
        const { startTime, duration, detail } = entry as typeof entry & { detail?: { kind?: number } };
        const isMajor = detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
        onGc({ isMajor, endedAtMs: startTime + duration, durationMs: duration });
      }
    });
  }

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#observer.disconnect();
  }
}

/** A full collection, now, without the flag being needed at the start of the process. */
export function createCollect(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
