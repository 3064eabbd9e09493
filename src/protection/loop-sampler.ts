/**
 * How busy the event loop is, as the engine counts it, and how late a timer of its own fires. Node's monitor of the delay is not
 * used: each reset of it loses the delay that is under way, which once a second would be most of what there is to see.
 * Owner: whoever starts and stops it.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { LoopSample } from './load-watch.ts';

/** Delays are known to within this; each is a wake-up of some microseconds. */
const everyMs = 50;

export class LoopSampler implements Resource {
  readonly name = 'loop-sampler';
  readonly #ticker: Ticker;
  #dueMs = Number.POSITIVE_INFINITY;
  #worstMs = 0;

  constructor(onFailure: (error: unknown) => void) {
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: everyMs,
      tick: async () => {
        this.#note();
        this.#dueMs = performance.now() + everyMs;
        return undefined;
      },
      // In the middle: the interval is exact.
      random: () => 0.5,
      onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }

  /** @returns what was since the last call */
  sample(): LoopSample {
    // It may be overdue, and behind the one who asks.
    this.#note();
    const { active: activeMs, idle: idleMs } = performance.eventLoopUtilization();
    const delayMs = this.#worstMs;
    this.#worstMs = 0;
    return { activeMs, idleMs, delayMs };
  }

  #note(): void {
    this.#worstMs = Math.max(this.#worstMs, performance.now() - this.#dueMs);
  }
}
