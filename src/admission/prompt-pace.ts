/**
 * How long a host takes to a first token, for each token of the prompt, beside what it usually takes: a host that has too much at
 * once gets slower by more than by how many share it. A long-term average is the baseline and a short-term one is held against it,
 * as in the gradient limits of Netflix's concurrency-limits (2018). Events in, a verdict out. Owner: one adaptive limit.
 *
 * Short prompts tell of fixed costs, and those that the host remembers of nothing: neither counts.
 */
export interface PromptTime {
  readonly promptTokens: number;
  /** From sending to the first token, less loading the model. */
  readonly untilFirstMs: number;
  /** How many generations shared the host, itself included. */
  readonly inUse: number;
}

const leastTokens = 64;
const leastKnown = 10;
const leastRecent = 3;
const longSmoothing = 0.05;
const shortSmoothing = 0.3;
const tooSlow = 2;
/** Faster than this part of the usual, it was remembered. */
const remembered = 0.25;

export class PromptPace {
  #known = 0;
  #usual = 0;
  #recent = 0;
  #recentCount = 0;

  /** @returns whether prompts lately take too long */
  saw({ promptTokens, untilFirstMs, inUse }: PromptTime): boolean {
    if (promptTokens < leastTokens || untilFirstMs <= 0) return false;
    const pace = untilFirstMs / promptTokens / Math.max(1, inUse);
    if (this.#known >= leastKnown && pace < this.#usual * remembered) return false;
    const isSlow = this.#isSlow(pace);
    this.#known++;
    this.#usual += (pace - this.#usual) * Math.max(longSmoothing, 1 / this.#known);
    return isSlow;
  }

  /** What was lately is over: fewer share the host now. */
  moved(): void {
    this.#recentCount = 0;
  }

  #isSlow(pace: number): boolean {
    this.#recentCount++;
    this.#recent += (pace - this.#recent) * Math.max(shortSmoothing, 1 / this.#recentCount);
    return this.#known >= leastKnown && this.#recentCount >= leastRecent && this.#recent > tooSlow * this.#usual;
  }
}
