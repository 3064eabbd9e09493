/**
 * Whether a host loads a model that somebody waits for, as far as one worker can tell. A request that went to a model which was not
 * known to be in memory may have found it there: another worker has loaded it since. Ollama lists models while they are loaded,
 * with a time to leave that moves on with the clock; one whose time stands still is in memory. Owner: the watch of its host.
 */
import type { HostCare } from './host-care.ts';
import { modelKey } from './model-key.ts';

export interface LoadingViewOptions {
  readonly care: Pick<HostCare, 'loadedModels'>;
  /** Models that requests of this worker wait for the host to load. */
  readonly own: () => Iterable<string>;
  /** Models whose answers this worker awaits. */
  readonly awaited: () => readonly string[];
  /** Whether a request of any worker waits for the host to load it. */
  readonly isLoading: (key: string) => boolean;
}

export class LoadingView {
  readonly #options: LoadingViewOptions;
  readonly #leavesAtMs = new Map<string, number>();
  readonly #settled = new Set<string>();

  constructor(options: LoadingViewOptions) {
    this.#options = options;
  }

  isLoading(): boolean {
    return this.#loading().some(key => !this.#settled.has(key));
  }

  /** By two looks at least. */
  isSettled(key: string): boolean {
    return this.#settled.has(key);
  }

  /** Looks, where something is said to be loading. Never rejects. */
  async look(signal: AbortSignal): Promise<void> {
    if (this.#loading().length === 0) return;
    const loaded = await this.#options.care.loadedModels(signal).catch(() => undefined);
    if (loaded === undefined) return;
    const before = new Map(this.#leavesAtMs);
    this.#leavesAtMs.clear();
    this.#settled.clear();
    for (const { name, expiresAtMs } of loaded) {
      const key = modelKey(name);
      this.#leavesAtMs.set(key, expiresAtMs);
      if (before.get(key) === expiresAtMs) this.#settled.add(key);
    }
  }

  #loading(): string[] {
    const { own, awaited, isLoading } = this.#options;
    return [...own(), ...awaited().filter(isLoading)];
  }
}
