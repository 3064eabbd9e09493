/**
 * Which hosts get nothing new, by hand: kept in the store, so that it holds for all workers and over a restart. Owner: the
 * composition root of a worker.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { FollowedSetting } from './followed-setting.ts';

export interface DrainedHostsOptions {
  readonly settings: {
    draining(): ReadonlySet<string>;
    /** Durable when it resolves. */
    setDraining(host: string, draining: boolean, by: string): Promise<void>;
  };
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

export class DrainedHosts implements Resource {
  readonly name = 'drained-hosts';
  readonly #options: DrainedHostsOptions;
  readonly #setting: FollowedSetting;
  #hosts: ReadonlySet<string> = new Set();

  constructor(options: DrainedHostsOptions) {
    this.#options = options;
    const read = (): void => {
      this.#hosts = options.settings.draining();
    };
    this.#setting = new FollowedSetting({
      name: this.name,
      read,
      random: options.random,
      onFailure: options.onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#setting.start();
  }

  async stop(): Promise<void> {
    await this.#setting.stop();
  }

  has(host: string): boolean {
    return this.#hosts.has(host);
  }

  async set(host: string, draining: boolean, by: string): Promise<void> {
    await this.#options.settings.setDraining(host, draining, by);
    this.#setting.look();
  }
}
