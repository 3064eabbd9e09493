/**
 * The answers that this worker has at hand: lru-cache, bounded in entries and in bytes. Owner: the response cache of the worker.
 */
import { LRUCache } from 'lru-cache';
import type { Recording } from './recording.ts';

export interface MemoryTierOptions {
  /** 0 keeps nothing at hand. */
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly onEvicted: () => void;
}

export class MemoryTier {
  readonly #entries: LRUCache<string, Recording> | undefined;
  readonly #maxBytes: number;
  #allowedBytes: number;

  constructor({ maxEntries, maxBytes, onEvicted }: MemoryTierOptions) {
    this.#maxBytes = maxBytes;
    this.#allowedBytes = maxBytes;
    if (maxEntries === 0) return;
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: recording => recording.bytes,
      dispose: (_recording, _key, reason) => {
        if (reason === 'evict') onEvicted();
      },
    });
  }

  get usage(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries?.size ?? 0, bytes: this.#entries?.calculatedSize ?? 0 };
  }

  get(key: string): Recording | undefined {
    return this.#entries?.get(key);
  }

  /** What is larger than all may be together is not kept. */
  set(key: string, recording: Recording): void {
    this.#entries?.set(key, recording);
    this.#makeRoom();
  }

  /** @param part of its bytes that it may have from now on; what is older is given up */
  allow(part: number): void {
    this.#allowedBytes = part * this.#maxBytes;
    this.#makeRoom();
  }

  clear(): void {
    this.#entries?.clear();
  }

  #makeRoom(): void {
    while (this.usage.bytes > this.#allowedBytes && this.#entries?.pop() !== undefined);
  }
}
