/**
 * Watches the event loop of this worker once a second and says at which stage of load it is. Owner: the composition root.
 *
 * Invariants: nothing is said before a whole window was seen, since a start keeps the loop busy; what is carried out is what
 * `effects` allowed, which may be less than what was found.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import { type LoadLimits, type LoadReading, type LoadStage, nextLoadStage } from './load-stage.ts';

/** What one look tells. */
export interface LoopSample {
  /** Both since the process began. */
  readonly activeMs: number;
  readonly idleMs: number;
  /** The worst since the last look. */
  readonly delayMs: number;
}

export interface LoadEffects {
  /** @returns the stage that may be carried out */
  apply(stage: LoadStage, reading: LoadReading): Promise<LoadStage>;
}

export interface LoadWatchOptions {
  readonly limits: LoadLimits;
  readonly sample: () => LoopSample;
  readonly effects: LoadEffects;
  /** Before each look. */
  readonly refresh: () => Promise<void>;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const lookEveryMs = 1000;
/** Looks that a reading is made of. Odd, so that one is in the middle. */
const windowLooks = 5;

export class LoadWatch implements Resource {
  readonly name = 'load-watch';
  readonly #options: LoadWatchOptions;
  readonly #ticker: Ticker;
  /** One more than a window has, for its beginning. */
  #samples: readonly LoopSample[] = [];
  #found: LoadStage = 'normal';
  #allowed: LoadStage = 'normal';

  constructor(options: LoadWatchOptions) {
    this.#options = options;
    const { random, onFailure } = options;
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: lookEveryMs,
      tick: async () => {
        await this.look();
        return undefined;
      },
      random,
      onFailure,
    });
  }

  /** What is to be refused now. */
  get stage(): LoadStage {
    return this.#allowed;
  }

  /** Whether there is time for what nobody waits for. */
  get isOptionalAllowed(): boolean {
    return this.#allowed === 'normal';
  }

  get reading(): LoadReading {
    return readingOf(this.#samples) ?? idle;
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }

  async look(): Promise<void> {
    const { limits, sample, effects, refresh } = this.#options;
    await refresh();
    this.#samples = [...this.#samples, sample()].slice(-windowLooks - 1);
    const reading = readingOf(this.#samples);
    if (reading === undefined) return;
    this.#found = nextLoadStage(this.#found, reading, limits);
    this.#allowed = await effects.apply(this.#found, reading);
  }
}

const idle: LoadReading = { utilisation: 0, delayMs: 0 };

function readingOf(samples: readonly LoopSample[]): LoadReading | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || samples.length <= windowLooks) return undefined;
  const activeMs = last.activeMs - first.activeMs;
  const wholeMs = activeMs + last.idleMs - first.idleMs;
  const delays = samples.slice(1).map(({ delayMs }) => delayMs);
  const middle = delays.toSorted((one, other) => one - other)[(windowLooks - 1) / 2] ?? 0;
  return { utilisation: wholeMs > 0 ? activeMs / wholeMs : 0, delayMs: middle };
}
