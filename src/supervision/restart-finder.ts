/**
 * What is known of how the local Ollama server can be started again: looked for when control starts, and again when a restart did
 * not help or nothing was found, since what runs it may have changed. Owner: the composition root of control.
 */
import type { FoundWay, RestartWay } from './restart-way.ts';

export interface RestartFinderOptions {
  /** Bounded by itself. Never rejects. */
  readonly search: () => Promise<FoundWay>;
  readonly nowMs: () => number;
  /** Told once of each thing that is found. */
  readonly onFound: (found: FoundWay) => void;
}

const lookAgainMs = 60_000;

export class RestartFinder {
  readonly #options: RestartFinderOptions;
  #found: FoundWay | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(options: RestartFinderOptions) {
    this.#options = options;
  }

  /** Undefined until it was looked for. */
  get found(): FoundWay | undefined {
    return this.#found;
  }

  get way(): RestartWay | undefined {
    const found = this.#found;
    return found === undefined || 'none' in found ? undefined : found;
  }

  /** Resolves when it has been looked for; at once when that was a moment ago. */
  async look(): Promise<void> {
    const { nowMs } = this.#options;
    if (this.#looking === undefined && nowMs() - this.#lookedAtMs >= lookAgainMs) {
      this.#lookedAtMs = nowMs();
      this.#looking = this.#search().finally(() => {
        this.#looking = undefined;
      });
    }
    await this.#looking;
  }

  async #search(): Promise<void> {
    const { search, onFound } = this.#options;
    const found = await search();
    const isNews = this.#found === undefined || wordsOf(found) !== wordsOf(this.#found);
    this.#found = found;
    if (isNews) onFound(found);
  }
}

function wordsOf(found: FoundWay): string {
  return 'none' in found ? `none: ${found.none}` : found.words;
}
