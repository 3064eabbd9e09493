/**
 * Which hosts get nothing new, by hand: kept in the store, so that it holds for all workers and over a restart, and looked at
 * often enough that every worker follows within a second. Owner: the composition root of a worker. When the store cannot be
 * asked, what was known last stays in force.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';

export interface DrainedHostsOptions {
  readonly settings: {
    draining(): ReadonlySet<string>;
    /** Durable when it resolves. */
    setDraining(host: string, draining: boolean, by: string): Promise<void>;
  };
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const lookEveryMs = 250;

export class DrainedHosts implements Resource {
  readonly name = 'drained-hosts';
  readonly #options: DrainedHostsOptions;
  readonly #ticker: Ticker;
  #hosts: ReadonlySet<string> = new Set();
  #failed = false;

  constructor(options: DrainedHostsOptions) {
    this.#options = options;
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: lookEveryMs,
      tick: async () => {
        this.#look();
        return undefined;
      },
      random: options.random,
      onFailure: options.onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }

  has(host: string): boolean {
    return this.#hosts.has(host);
  }

  async set(host: string, draining: boolean, by: string): Promise<void> {
    await this.#options.settings.setDraining(host, draining, by);
    this.#look();
  }

  #look(): void {
    try {
      this.#hosts = this.#options.settings.draining();
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#options.onFailure(error);
      this.#failed = true;
    }
  }
}
