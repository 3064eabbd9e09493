/**
 * How fast each host answers with each model, and what time limits follow from that. Owner: the composition root of a worker;
 * what it learns is this worker's own. Bounded: the last answers of each, and what has been known for longest is forgotten when there is too much.
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

/** What answers usually take, as far as limits follow from it. */
export interface ExpectedTimes {
  /** Of a first token, apart from reading the prompt: of nearly all. */
  readonly restMs: number;
  /** Of nearly all. */
  readonly msPerPromptToken: number;
  /** Of half of them. */
  readonly tokenMs: number;
}

/** @returns undefined while too little is known */
export function expectedTimes(times: readonly AnswerTime[]): ExpectedTimes | undefined {
  return times.length < leastAnswers ? undefined : timesOf(times);
}

function timesOf(times: readonly AnswerTime[]): ExpectedTimes {
  return {
    restMs: quantile(times, 0.95, time => Math.max(0, time.firstTokenMs - time.promptMs)),
    msPerPromptToken: quantile(times, 0.95, ({ promptMs, promptTokens }) => promptMs / Math.max(1, promptTokens)),
    tokenMs: quantile(times, 0.5, time => time.tokenMs),
  };
}

/** @returns ms; undefined while too little is known */
export function firstTokenLimit(
  expected: ExpectedTimes | undefined,
  promptTokens: number,
  floorMs: number,
): number | undefined {
  if (expected === undefined) return undefined;
  const expectedMs = expected.restMs + Math.max(leastPromptMsPerToken, expected.msPerPromptToken) * promptTokens;
  return Math.max(floorMs, Math.round(firstFactor * expectedMs));
}

/** @returns ms */
export function stallLimit(expected: ExpectedTimes | undefined, floorMs: number): number {
  return expected === undefined ? floorMs : Math.max(floorMs, Math.round(stallFactor * expected.tokenMs));
}

/** The nearest rank: no value that was not seen. */
function quantile(times: readonly AnswerTime[], part: number, of: (time: AnswerTime) => number): number {
  const sorted = Float64Array.from(times, of).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

/** Sorting costs more than a request may: the expectation is as it was so many answers ago, at most. */
const learntEvery = 16;

interface Known {
  /** The place of the oldest is the next to be written. */
  readonly times: AnswerTime[];
  next: number;
  expected: ExpectedTimes | undefined;
  unlearnt: number;
}

export class AnswerTimes {
  readonly #known = new Map<string, Known>();

  saw(host: string, model: string, time: AnswerTime): void {
    const known = this.#of(`${host} ${model}`);
    known.times[known.next] = time;
    known.next = (known.next + 1) % keptAnswers;
    known.unlearnt++;
    if (known.unlearnt < learntEvery && known.expected !== undefined) return;
    known.expected = expectedTimes(known.times);
    known.unlearnt = 0;
  }

  expected(host: string, model: string): ExpectedTimes | undefined {
    return this.#known.get(`${host} ${model}`)?.expected;
  }

  /** As `expected`, from the first answer on: enough for patience, and not for a limit. */
  guessed(host: string, model: string): ExpectedTimes | undefined {
    const known = this.#known.get(`${host} ${model}`);
    return known?.expected ?? (known === undefined ? undefined : timesOf(known.times));
  }

  #of(key: string): Known {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const fresh = { times: [], next: 0, expected: undefined, unlearnt: 0 };
    this.#known.set(key, fresh);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
    return fresh;
  }
}
