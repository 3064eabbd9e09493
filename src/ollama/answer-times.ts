/**
 * How fast each host answers with each model, and what time limits follow from that. Owner: the composition root of a worker;
 * what it learns is this worker's own. Bounded: the last answers of each, and what was not used for the longest time is forgotten.
 * No clock and no timers.
 *
 * The time to a first token is reading the prompt, which grows with it, and the rest, which does not: each is learnt apart, or a
 * host that was only asked short questions would be given up over a long one.
 */
export interface AnswerTime {
  /** From sending to the first token, less loading the model. */
  readonly firstTokenMs: number;
  readonly promptTokens: number;
  /** Of the first token's time, what reading the prompt took. */
  readonly promptMs: number;
  /** Between two tokens, on average. */
  readonly tokenMs: number;
}

export interface TimeFloors {
  /** The least that is allowed until the first token of a loaded model. */
  readonly firstMs: number;
  /** The least that is allowed between two tokens. */
  readonly stallMs: number;
}

const keptAnswers = 64;
const maxKnown = 1000;
/** So many answers must have been seen before anything is expected of the next. */
export const leastAnswers = 5;
const firstFactor = 4;
const stallFactor = 30;
/** A prompt that the host remembers costs nothing to read, and the next one may be new. */
const leastPromptMsPerToken = 5;

/** @returns ms; undefined while too little is known */
export function firstTokenLimit(
  times: readonly AnswerTime[],
  promptTokens: number,
  floorMs: number,
): number | undefined {
  if (times.length < leastAnswers) return undefined;
  const rest = quantile(times, 0.95, time => Math.max(0, time.firstTokenMs - time.promptMs));
  const perToken = quantile(times, 0.95, ({ promptMs, promptTokens: of }) => promptMs / Math.max(1, of));
  const expectedMs = rest + Math.max(leastPromptMsPerToken, perToken) * promptTokens;
  return Math.max(floorMs, Math.round(firstFactor * expectedMs));
}

/** @returns ms */
export function stallLimit(times: readonly AnswerTime[], floorMs: number): number {
  if (times.length < leastAnswers) return floorMs;
  return Math.max(floorMs, Math.round(stallFactor * quantile(times, 0.5, time => time.tokenMs)));
}

/** The nearest rank: no value that was not seen. */
function quantile(times: readonly AnswerTime[], part: number, of: (time: AnswerTime) => number): number {
  const sorted = times.map(of).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

export class AnswerTimes {
  readonly #known = new Map<string, AnswerTime[]>();

  saw(host: string, model: string, time: AnswerTime): void {
    const key = `${host} ${model}`;
    const times = this.#known.get(key) ?? [];
    // Behind all others: the first is what was not used for the longest time.
    this.#known.delete(key);
    this.#known.set(key, times);
    times.push(time);
    if (times.length > keptAnswers) times.shift();
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
  }

  of(host: string, model: string): readonly AnswerTime[] {
    return this.#known.get(`${host} ${model}`) ?? [];
  }
}
