/**
 * Tells the other processes that this one is there: a lease of its name. Of one name there is one process; a second one
 * waits until the first is gone, and gives up at the deadline of its start.
 *
 * A store that cannot be asked keeps nobody from serving: the lease is then taken when it can be. When another living process
 * has the name by then, this one is the one too many.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Resource } from '../kernel/lifecycle.ts';
import type { ProcessIdentity } from '../kernel/process-identity.ts';
import { Ticker } from '../kernel/ticker.ts';

interface PresenceLease {
  readonly holder: ProcessIdentity;
}

export interface PresenceOptions<L extends PresenceLease> {
  readonly leases: {
    take(request: { kind: string; key: string; capacity: number; ttlMs: number }): L | undefined;
    renew(lease: L, ttlMs: number): L | undefined;
    release(lease: L): boolean;
    list(of: { kind: string; key: string }): readonly L[];
  };
  readonly name: string;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
  /** Another process has the name, and this one had it, or should have had it. */
  readonly onTaken: (holder: string) => void;
}

const kind = 'process';
const ttlMs = 60_000;
const renewEveryMs = 10_000;
const askAgainMs = 100;

export class Presence<L extends PresenceLease> implements Resource {
  readonly name = 'presence';
  readonly #options: PresenceOptions<L>;
  readonly #ticker: Ticker;
  #lease: L | undefined;

  constructor(options: PresenceOptions<L>) {
    this.#options = options;
    const { random, onFailure } = options;
    const tick = async (): Promise<undefined> => {
      this.#renew();
      return undefined;
    };
    this.#ticker = new Ticker({ name: this.name, intervalMs: renewEveryMs, tick, random, onFailure });
  }

  /** @throws when another process has the name until the deadline */
  async start(signal: AbortSignal): Promise<void> {
    while (!this.#isAlone()) {
      if (signal.aborted) throw new Error(`${this.#options.name} already runs as process ${this.#holder()}`);
      await pause(askAgainMs);
    }
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
    try {
      if (this.#lease !== undefined) this.#options.leases.release(this.#lease);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  /** Takes the name if nobody has it. */
  #isAlone(): boolean {
    try {
      this.#lease = this.#options.leases.take({ kind, key: this.#options.name, capacity: 1, ttlMs });
      return this.#lease !== undefined;
    } catch (error) {
      this.#options.onFailure(error);
      return true;
    }
  }

  #renew(): void {
    const { leases, name: key } = this.#options;
    const renewed = this.#lease === undefined ? undefined : leases.renew(this.#lease, ttlMs);
    // Lost with the store, or never taken.
    this.#lease = renewed ?? leases.take({ kind, key, capacity: 1, ttlMs });
    if (this.#lease === undefined) this.#options.onTaken(this.#holder());
  }

  #holder(): string {
    return String(this.#options.leases.list({ kind, key: this.#options.name })[0]?.holder.pid ?? 'unknown');
  }
}
