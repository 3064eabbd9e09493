/**
 * The answers that all workers share, as far as they can be had: a store that fails or takes long is told once and left alone
 * for a while, and nobody's request waits or fails for it. Owner: the response cache of the worker.
 *
 * Invariants: at most `maxPending` entries of `maxPendingBytes` wait to be written; what does not fit is not kept. What waits
 * is written a few at a time, in one transaction, so that many answers at once do not hold the event loop.
 */
import { decodeRecording, encodeRecording, type Recording } from './recording.ts';

export interface StoredEntry {
  readonly key: string;
  readonly value: Buffer;
  readonly ttlMs: number;
  readonly tags: readonly string[];
}

/** What this tier needs of a store. Its methods may throw. */
export interface SharedStore {
  get(key: string): Buffer | undefined;
  /** In one transaction. @returns how many were kept */
  setAll(entries: readonly StoredEntry[]): number;
  delete(key: string): boolean;
  purge(what: { readonly tag?: string }, signal?: AbortSignal): Promise<number>;
  usage(): { readonly bytes: number; readonly entries: number };
}

export interface SharedTierOptions {
  readonly store: SharedStore;
  /** How long an entry is kept; how long it is fresh is not known here. */
  readonly keepMs: number;
  /** Monotonic. */
  readonly clock: () => number;
  /** Told once, until it works again. */
  readonly onTrouble: (error: unknown) => void;
  readonly onRecovered: () => void;
  /** How often anything was purged, in all workers. May throw. */
  readonly purges: { count(): number };
}

interface Waiting {
  readonly recording: Recording;
  readonly epoch: number;
}

type Batch = ReadonlyArray<readonly [key: string, waiting: Waiting]>;

const slowMs = 200;
const firstPauseMs = 1000;
const maxPauseMs = 30_000;
const maxPending = 256;
const maxPendingBytes = 16 * 1024 * 1024;
const writeEveryMs = 20;
const writeAtOnce = 8;
const writeBytesAtOnce = 1024 * 1024;

export class SharedTier {
  readonly #options: SharedTierOptions;
  readonly #pending = new Map<string, Waiting>();
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: SharedTierOptions) {
    this.#options = options;
  }

  get(key: string): Recording | undefined {
    const stored = this.#pending.size > 0 ? this.#pending.get(key) : undefined;
    if (stored !== undefined) return stored.recording;
    const { store } = this.#options;
    const value = this.#guarded(() => store.get(key));
    if (value === undefined) return undefined;
    const recording = decodeRecording(value);
    if (recording === undefined) this.#guarded(() => store.delete(key));
    return recording;
  }

  /** At once: others are waiting for it. @param epoch how often anything was purged when the answer was begun */
  write(key: string, recording: Recording, epoch: number): void {
    this.#writeAll([[key, { recording, epoch }]]);
  }

  writeSoon(key: string, recording: Recording, epoch: number): void {
    this.#forget(key);
    if (this.#pending.size >= maxPending || this.#pendingBytes + recording.lines.length > maxPendingBytes) return;
    this.#pending.set(key, { recording, epoch });
    this.#pendingBytes += recording.lines.length;
    this.#timer ??= setTimeout(() => this.#writeSome(), writeEveryMs).unref();
  }

  /** What still waits, when the worker leaves. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#pending.size > 0) this.#writeAll(this.#takeBatch());
  }

  /** Of what waits to be written, nothing is: it was purged. */
  dropWaiting(): void {
    this.#pending.clear();
    this.#pendingBytes = 0;
  }

  delete(key: string): boolean {
    this.#forget(key);
    return this.#guarded(() => this.#options.store.delete(key)) ?? false;
  }

  /** @throws what the store throws: whoever purges must hear that it did not happen */
  async purge(tag: string | undefined, signal?: AbortSignal): Promise<number> {
    this.dropWaiting();
    return await this.#options.store.purge(tag === undefined ? {} : { tag }, signal);
  }

  usage(): { readonly bytes: number; readonly entries: number } | undefined {
    return this.#guarded(() => this.#options.store.usage());
  }

  #writeSome(): void {
    this.#timer = undefined;
    this.#writeAll(this.#takeBatch());
    if (this.#pending.size > 0) this.#timer = setTimeout(() => this.#writeSome(), writeEveryMs).unref();
  }

  /** At least one. */
  #takeBatch(): Batch {
    const batch: Array<Batch[number]> = [];
    let bytes = 0;
    for (const entry of this.#pending) {
      const [key, { recording }] = entry;
      bytes += recording.lines.length;
      if (batch.length > 0 && (bytes > writeBytesAtOnce || batch.length === writeAtOnce)) break;
      batch.push(entry);
      this.#forget(key);
    }
    return batch;
  }

  #writeAll(batch: Batch): void {
    const { store, keepMs } = this.#options;
    this.#guarded(() => {
      const purges = this.#purges();
      const valid = batch.filter(([, { epoch }]) => purges === undefined || purges === epoch);
      if (valid.length === 0) return;
      store.setAll(
        valid.map(([key, { recording }]) => {
          return { key, value: encodeRecording(recording), ttlMs: keepMs, tags: tagsOf(recording) };
        }),
      );
      // A purge may have gone by while this waited for its turn to write.
      if (this.#purges() !== purges) for (const [key] of valid) store.delete(key);
    });
  }

  #forget(key: string): void {
    const waiting = this.#pending.get(key);
    if (waiting === undefined) return;
    this.#pending.delete(key);
    this.#pendingBytes -= waiting.recording.lines.length;
  }

  #purges(): number | undefined {
    try {
      return this.#options.purges.count();
    } catch {
      // Whoever purges hears of a number that cannot be read.
      return undefined;
    }
  }

  #guarded<T>(work: () => T): T | undefined {
    const { clock, onRecovered } = this.#options;
    const startedAtMs = clock();
    if (startedAtMs < this.#pausedUntilMs) return undefined;
    try {
      const result = work();
      const tookMs = clock() - startedAtMs;
      if (tookMs > slowMs) this.#pause(new Error(`the shared cache took ${tookMs.toFixed(0)} ms`));
      else if (this.#pauseMs > 0) {
        this.#pauseMs = 0;
        onRecovered();
      }
      return result;
    } catch (error) {
      this.#pause(error);
      return undefined;
    }
  }

  #pause(error: unknown): void {
    const { clock, onTrouble } = this.#options;
    if (this.#pauseMs === 0) onTrouble(error);
    this.#pauseMs = Math.min(Math.max(firstPauseMs, 2 * this.#pauseMs), maxPauseMs);
    this.#pausedUntilMs = clock() + this.#pauseMs;
  }
}

/** The model is a tag like any other, told apart from those of clients by its prefix. */
export function modelTag(model: string): string {
  return `model:${model}`;
}

export function clientTag(tag: string): string {
  return `tag:${tag}`;
}

function tagsOf({ facts, tags }: Recording): readonly string[] {
  return [modelTag(facts.model), ...tags.map(clientTag)];
}
