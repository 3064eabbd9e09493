/**
 * How many slots each (host, model) has, the same number in every worker: what one worker learns is added to a counter that
 * all read, twice a second at most. Owner: the composition root of a worker. Bounded: what nobody used for the longest
 * time is forgotten, and so is what was learnt an hour ago, since hosts change.
 *
 * A counter that cannot be read leaves the last number in force.
 */
import { AdaptiveLimit, type GenerationSample } from './adaptive-limit.ts';

export interface HostSlots {
  /** For one model at first; where the user gave a number, also at most. */
  readonly initial: number;
  /** For one model. */
  readonly max: number;
}

export interface SlotLimitsOptions {
  readonly hosts: ReadonlyMap<string, HostSlots>;
  readonly counters: {
    get(key: string): number;
    add(key: string, amount: number, windowMs?: number): number;
  };
  readonly now: () => number;
}

interface Known {
  readonly host: string;
  readonly model: string;
  readonly key: string;
  readonly initial: number;
  readonly adaptive: AdaptiveLimit;
  readAtMs: number;
}

const readEveryMs = 500;
const learntForMs = 3_600_000;
const maxKnown = 1000;
const one: HostSlots = { initial: 1, max: 1 };

export class SlotLimits {
  readonly #options: SlotLimitsOptions;
  readonly #known = new Map<string, Known>();
  /** A request asks for the same several times in a row. */
  #last: Known | undefined;

  constructor(options: SlotLimitsOptions) {
    this.#options = options;
  }

  of(host: string, model: string): number {
    const known = this.#find(host, model);
    this.#read(known);
    return known.adaptive.limit;
  }

  observe(host: string, model: string, sample: Omit<GenerationSample, 'atMs'>): void {
    this.#learn(host, model, known => known.adaptive.observe({ ...sample, atMs: this.#options.now() }));
  }

  overloaded(host: string, model: string): void {
    this.#learn(host, model, known => known.adaptive.overloaded(this.#options.now()));
  }

  #learn(host: string, model: string, change: (known: Known) => void): void {
    const known = this.#find(host, model);
    const { adaptive, key } = known;
    const before = adaptive.limit;
    change(known);
    if (adaptive.limit === before) return;
    try {
      // Not the difference alone: two workers that moved at the same time would otherwise carry the sum along for ever.
      const total = this.#options.counters.get(key);
      this.#options.counters.add(key, adaptive.limit - known.initial - total, learntForMs);
      known.readAtMs = this.#options.now();
    } catch {
      // This worker goes by what it has learnt; whoever asks for a slot tells that the store is away.
    }
  }

  #read(known: Known): void {
    const atMs = this.#options.now();
    if (atMs - known.readAtMs < readEveryMs) return;
    known.readAtMs = atMs;
    try {
      known.adaptive.adopt(known.initial + this.#options.counters.get(known.key));
    } catch {
      // As above.
    }
  }

  /** Whoever uses one reads it, so that the one that was read first is the one that nobody has used since. */
  #forgetOne(): void {
    let oldest: Known | undefined;
    for (const known of this.#known.values()) {
      if (oldest === undefined || known.readAtMs < oldest.readAtMs) oldest = known;
    }
    if (oldest !== undefined) this.#known.delete(oldest.key);
  }

  #find(host: string, model: string): Known {
    const last = this.#last;
    if (last?.model === model && last.host === host) return last;
    this.#last = this.#findAny(host, model);
    return this.#last;
  }

  #findAny(host: string, model: string): Known {
    const key = `slots ${host} ${model}`;
    const found = this.#known.get(key);
    if (found !== undefined) return found;
    const slots = this.#options.hosts.get(host) ?? one;
    const known = {
      host,
      model,
      key,
      initial: slots.initial,
      adaptive: new AdaptiveLimit(slots),
      readAtMs: Number.NEGATIVE_INFINITY,
    };
    if (this.#known.size >= maxKnown) this.#forgetOne();
    this.#known.set(key, known);
    return known;
  }
}
