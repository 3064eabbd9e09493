/**
 * Loads the models of `PRE_WARM` on a host as soon as it answers: at the start, and when it has come back. One worker does it
 * for all, by a lease that it keeps until the host is gone again; when that worker dies, nothing is lost but the warmth: the
 * first request loads the model. What fails is not repeated here for the same reason.
 */
import type { Generate } from '../gateway/generate.ts';
import { noWishes } from '../gateway/job.ts';
import { modelKey } from '../ollama/model-key.ts';
import { isNoGenerator } from '../ollama/no-generator.ts';
import type { UpstreamHost } from '../ollama/upstream-host.ts';
import type { Lease, LeaseRepository } from '../storage/lease-repository.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface PreWarmOptions {
  readonly models: readonly string[];
  readonly generate: Generate;
  readonly leases: Pick<LeaseRepository, 'take' | 'release'>;
  readonly log: Logger;
}

/** A host that comes back without having been seen to go is not warmed again within this time. */
const heldMs = 300_000;

export class PreWarm {
  readonly #options: PreWarmOptions;
  readonly #stopping = new AbortController();
  readonly #held = new Map<string, Lease>();

  constructor(options: PreWarmOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort(new Error('the worker is leaving'));
  }

  changed(host: UpstreamHost): void {
    const { name, state } = host;
    if (this.#options.models.length === 0 || this.#stopping.signal.aborted) return;
    if (state.is === 'up') void this.#warm(host);
    else if (state.is === 'down') this.#letGo(name);
  }

  async #warm(host: UpstreamHost): Promise<void> {
    const { name, inventory } = host;
    const { models, log } = this.#options;
    if (!this.#take(name)) return;
    for (const model of models) {
      if (inventory.isLoaded(modelKey(model))) continue;
      try {
        await this.#load(model, host);
        log.info('a model was loaded before anybody asked for it', { upstream: name, model });
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        log.warn('a model could not be loaded before somebody asks for it', {
          upstream: name,
          model,
          cause: String(error),
        });
      }
    }
  }

  async #load(model: string, host: UpstreamHost): Promise<void> {
    try {
      await this.#loadGenerator(model, host.name);
    } catch (error) {
      if (!isNoGenerator(error)) throw error;
      // Nothing to embed: it is only loaded.
      await host.embed({ model, input: [] }, this.#stopping.signal);
    }
  }

  async #loadGenerator(model: string, host: string): Promise<void> {
    const request = { model, prompt: '' };
    const stream = await this.#options.generate(
      {
        path: '/api/generate',
        model,
        body: JSON.stringify(request),
        request,
        gathered: true,
        tenant: 'deci',
        hosts: [host],
        mayManage: true,
        // That a fallback is loaded is nothing that was asked for.
        wishes: { ...noWishes, refuseDegraded: true },
        asker: { owner: 'deci', priority: 'background' },
      },
      this.#stopping.signal,
    );
    await Array.fromAsync(stream);
  }

  #take(host: string): boolean {
    try {
      const lease = this.#options.leases.take({ kind: 'pre-warm', key: host, capacity: 1, ttlMs: heldMs });
      if (lease !== undefined) this.#held.set(host, lease);
      return lease !== undefined;
    } catch {
      // Without the others it would be done twice, and it is only a favour.
      return false;
    }
  }

  #letGo(host: string): void {
    const lease = this.#held.get(host);
    this.#held.delete(host);
    try {
      if (lease !== undefined) this.#options.leases.release(lease);
    } catch {
      // It ends by itself.
    }
  }
}
