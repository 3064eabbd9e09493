/** Small things that must be done again and again and heal nobody: each on its own schedule, none keeps another from running. */
import { pauseBehind } from '../kernel/failure-kinds.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';

export interface UpkeepTask {
  readonly name: string;
  readonly everyMs: number;
  /** @param signal fires when nobody waits for it any more */
  run(signal: AbortSignal): Promise<void>;
}

export interface UpkeepOptions {
  readonly tasks: readonly UpkeepTask[];
  readonly random: () => number;
  readonly onFailure: (task: string, error: unknown) => void;
}

export class Upkeep implements Resource {
  readonly name = 'upkeep';
  readonly #tickers: readonly Ticker[];

  constructor({ tasks, random, onFailure }: UpkeepOptions) {
    this.#tickers = tasks.map(
      task =>
        new Ticker({
          name: task.name,
          intervalMs: task.everyMs,
          tick: async signal => {
            await task.run(signal);
            return undefined;
          },
          random,
          onFailure: error => onFailure(task.name, error),
          afterFailureMs: error => pauseBehind(error, task.everyMs),
        }),
    );
  }

  /** Each is done once at once; nobody waits for it. */
  async start(): Promise<void> {
    for (const ticker of this.#tickers) void ticker.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tickers.map(ticker => ticker.stop()));
  }
}
