/**
 * The answers that this worker has at hand. Owner: the response cache of the worker.
 *
 * Invariants: never more than `maxEntries`, never more than `maxBytes`; what was not used for the longest time goes first.
 */
import type { Recording } from './recording.ts';

export interface MemoryTierOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly onEvicted: () => void;
}

export class MemoryTier {
  readonly #options: MemoryTierOptions;
  /** In the order of use: a Map keeps that of insertion, and whoever is used is inserted again. */
  readonly #entries = new Map<string, Recording>();
  #bytes = 0;

  constructor(options: MemoryTierOptions) {
    this.#options = options;
  }

  get usage(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  get(key: string): Recording | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  set(key: string, recording: Recording): void {
    this.delete(key);
    const { maxEntries, maxBytes, onEvicted } = this.#options;
    if (recording.bytes > maxBytes || maxEntries === 0) return;
    this.#entries.set(key, recording);
    this.#bytes += recording.bytes;
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= maxEntries && this.#bytes <= maxBytes) return;
      this.delete(oldest);
      onEvicted();
    }
  }

  delete(key: string): boolean {
    const found = this.#entries.get(key);
    if (found === undefined) return false;
    this.#bytes -= found.bytes;
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
