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
  const kept = new LastAnswers();
  for (const time of times) kept.add(time);
  return kept.size < leastAnswers ? undefined : kept.expected();
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
function quantile(values: Float64Array, part: number): number {
  const sorted = values.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

/** The times of the last answers, each kind in numbers that lie side by side, as they are sorted. */
class LastAnswers {
  readonly #restMs = new Float64Array(keptAnswers);
  readonly #msPerPromptToken = new Float64Array(keptAnswers);
  readonly #tokenMs = new Float64Array(keptAnswers);
  #added = 0;

  get size(): number {
    return Math.min(this.#added, keptAnswers);
  }

  /** In the place of the oldest. */
  add({ firstTokenMs, promptTokens, promptMs, tokenMs }: AnswerTime): void {
    const at = this.#added++ % keptAnswers;
    this.#restMs[at] = Math.max(0, firstTokenMs - promptMs);
    this.#msPerPromptToken[at] = promptMs / Math.max(1, promptTokens);
    this.#tokenMs[at] = tokenMs;
  }

  expected(): ExpectedTimes {
    const { size } = this;
    return {
      restMs: quantile(this.#restMs.subarray(0, size), 0.95),
      msPerPromptToken: quantile(this.#msPerPromptToken.subarray(0, size), 0.95),
      tokenMs: quantile(this.#tokenMs.subarray(0, size), 0.5),
    };
  }
}

/** Sorting costs more than a request may: the expectation is as it was so many answers ago, at most. */
const learntEvery = 16;

interface Known {
  readonly answers: LastAnswers;
  expected: ExpectedTimes | undefined;
  unlearnt: number;
}

export class AnswerTimes {
  readonly #known = new Map<string, Known>();

  saw(host: string, model: string, time: AnswerTime): void {
    const known = this.#of(`${host} ${model}`);
    const { answers } = known;
    answers.add(time);
    known.unlearnt++;
    if (answers.size < leastAnswers || (known.unlearnt < learntEvery && known.expected !== undefined)) return;
    known.expected = answers.expected();
    known.unlearnt = 0;
  }

  expected(host: string, model: string): ExpectedTimes | undefined {
    return this.#known.get(`${host} ${model}`)?.expected;
  }

  /** As `expected`, from the first answer on: enough for patience, and not for a limit. */
  guessed(host: string, model: string): ExpectedTimes | undefined {
    const known = this.#known.get(`${host} ${model}`);
    return known?.expected ?? known?.answers.expected();
  }

  #of(key: string): Known {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const fresh = { answers: new LastAnswers(), expected: undefined, unlearnt: 0 };
    this.#known.set(key, fresh);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
    return fresh;
  }
}
