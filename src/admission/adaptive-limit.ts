/**
 * How many generations of one model one host should get at once, learnt from what they tell. Additive increase,
 * multiplicative decrease, on signals of language models: the time of a whole request says how long the answer was, and
 * nothing about load. Events in, a number out: no timers and no clock of its own. Owner: the slot limits of a worker.
 *
 * - It rises by one when every slot was in use and the tokens per second of all together still grew with the last rise.
 * - It falls to 0.7 of itself when the host says that it is busy, does not begin or stalls, and when requests waited
 *   inside the host: their first tokens came late, though neither loading nor reading the prompt took that time; and when each
 *   token of the prompts takes far longer than usual, however many share the host (`PromptPace`). One late token may be our delay. Where a user gave the number, he knows how many the host works on at once.
 * - What did not help is tried again later and later, so that it does not swing. It is never below 1 or above `max`.
 */
import { PromptPace, type PromptTime } from './prompt-pace.ts';

/** What one complete generation tells. */
export interface GenerationSample extends Omit<PromptTime, 'inUse'> {
  readonly atMs: number;
  /** Slots in use on all workers while it ran, as far as known, itself included. */
  readonly inUse: number;
  /** Whether all slots were in use. */
  readonly saturated: boolean;
  readonly tokensPerSecond: number;
  /** From sending to the first token, less the time of loading and of reading the prompt. */
  readonly innerWaitMs: number;
  /** Of generating alone. */
  readonly generatedMs: number;
}

const fall = 0.7;
const growth = 1.05;
const smoothing = 0.3;
const leastSamples = 3;
/** Failures of the same moment are one signal. */
const quietMs = 5000;
const firstBackoffMs = 60_000;
const maxBackoffMs = 3_600_000;
const leastInnerWaitMs = 500;
const lateInARow = 2;

export class AdaptiveLimit {
  readonly #max: number;
  readonly #isGiven: boolean;
  readonly #pace = new PromptPace();
  #late = 0;
  #limit: number;
  #rate: number | undefined;
  #samples = 0;
  /** Of all together, before the last rise. */
  #rateBefore: number | undefined;
  #backoffMs = firstBackoffMs;
  #noRiseUntilMs = Number.NEGATIVE_INFINITY;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  /** With `initial` equal to `max` the number is given, and falls by failures alone. */
  constructor({ initial, max }: { readonly initial: number; readonly max: number }) {
    this.#max = Math.max(1, max);
    this.#isGiven = initial === max;
    this.#limit = this.#bounded(initial);
  }

  get limit(): number {
    return this.#limit;
  }

  /** Another worker has moved it. */
  adopt(limit: number): void {
    if (this.#bounded(limit) === this.#limit) return;
    this.#move(limit, undefined);
  }

  /** The host said 503, or did not begin or go on in time. */
  overloaded(atMs: number): void {
    if (atMs < this.#quietUntilMs) return;
    this.#quietUntilMs = atMs + quietMs;
    this.#retreat(Math.floor(this.#limit * fall), atMs);
  }

  observe(sample: GenerationSample): void {
    const { atMs, innerWaitMs, generatedMs } = sample;
    const isSlow = this.#pace.saw(sample);
    const isLate = !this.#isGiven && innerWaitMs > Math.max(leastInnerWaitMs, generatedMs / 2);
    if (isSlow && !this.#isGiven) this.overloaded(atMs);
    this.#late = isLate ? this.#late + 1 : 0;
    if (this.#late >= lateInARow) this.overloaded(atMs);
    if (isLate) return;
    if (!sample.saturated) return;
    const rate = sample.tokensPerSecond * sample.inUse;
    this.#rate = this.#rate === undefined ? rate : this.#rate + smoothing * (rate - this.#rate);
    this.#samples++;
    if (this.#samples >= Math.max(leastSamples, this.#limit)) this.#judge(this.#rate, atMs);
  }

  #judge(rate: number, atMs: number): void {
    if (this.#rateBefore !== undefined && rate < this.#rateBefore * growth) {
      this.#retreat(this.#limit - 1, atMs);
    } else if (this.#limit < this.#max && atMs >= this.#noRiseUntilMs) {
      this.#move(this.#limit + 1, rate);
    }
  }

  #retreat(limit: number, atMs: number): void {
    this.#noRiseUntilMs = atMs + this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, maxBackoffMs);
    this.#move(limit, undefined);
  }

  #move(limit: number, rateBefore: number | undefined): void {
    this.#limit = this.#bounded(limit);
    this.#rateBefore = rateBefore;
    this.#pace.moved();
    this.#rate = undefined;
    this.#samples = 0;
  }

  #bounded(limit: number): number {
    return Math.min(this.#max, Math.max(1, limit));
  }
}
