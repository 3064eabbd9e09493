/**
 * The response cache of one worker: answers at hand in memory, behind them those that all workers share. An answer is fresh
 * for `ttlMs`; for `staleMs` it is kept as what may be said when nothing better can be had. Owner: the composition root.
 *
 * A purge counts up a number that all workers share. Each looks at it before it uses its memory, at most every
 * `lookEveryMs`, and empties its memory when it has changed; an answer that was begun before a purge is not kept behind it,
 * nor written to what all share.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MemoryTier } from './memory-tier.ts';
import { Recording } from './recording.ts';
import { clientTag, modelTag, type SharedTier } from './shared-tier.ts';

export interface ResponseCacheOptions {
  readonly memory: MemoryTier;
  readonly shared: SharedTier;
  /** How often anything was purged, in all workers. May throw. */
  readonly purges: { count(): number; add(): void };
  /** One name for all that mean the same model. */
  readonly nameOf: (model: string) => string;
  readonly weights: {
    /** Of the weights that a model has on the hosts now; undefined when nobody knows. */
    digestOf(model: string): string | undefined;
    /** Another number after any change of models through any worker, up to this moment. */
    changes(): number;
  };
  readonly now: () => number;
  readonly ttlMs: number;
  readonly staleMs: number;
  /** Whether what nobody waits for is written later, with others. */
  readonly writesBehind: boolean;
}

/** What is to be thrown away; without anything, everything. */
export interface PurgeRequest {
  readonly tag?: string | undefined;
  readonly model?: string | undefined;
  readonly key?: string | undefined;
}

/** What an answer is recorded by, as it was when it was begun. */
export interface NewRecording {
  readonly model: string;
  readonly tenant: string;
  readonly tags: readonly string[];
  /** How often anything was purged. */
  readonly epoch: number;
  readonly digest: string | undefined;
  /** The number of changes of models, where the digest was not known. */
  readonly changes: number | undefined;
  /** The lines as one object, where somebody has made it. */
  readonly whole?: string | undefined;
}

const lookEveryMs = 100;
/** Larger answers are not recorded. */
export const maxRecordedBytes = 2 * 1024 * 1024;
/** What answers that are being recorded may take in this worker; others are not recorded meanwhile. */
const maxHeldBytes = 32 * 1024 * 1024;
/** An answer that is kept only for bad times need not be the very last one. */
const recentMs = 10_000;

export class ResponseCache {
  readonly #options: ResponseCacheOptions;
  #epoch = 0;
  #heldBytes = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ResponseCacheOptions) {
    this.#options = options;
    // A worker that has nothing in memory yet has nothing to throw away.
    this.#look();
  }

  /** For an answer that is about to be generated: what goes on meanwhile is not what it was made by. */
  begin(of: string, tenant: string, tags: readonly string[]): NewRecording {
    const { nameOf, weights } = this.#options;
    this.#look();
    const model = nameOf(of);
    const digest = weights.digestOf(model);
    const changes = digest === undefined ? weights.changes() : undefined;
    return { model, tenant, tags, epoch: this.#epoch, digest, changes };
  }

  /** @param ttlMs where it is not as the settings say; never longer than answers are kept */
  fresh(key: string, ttlMs = this.#options.ttlMs): Recording | undefined {
    const found = this.#find(key, ttlMs);
    return found !== undefined && this.#isOfSameWeights(found) ? found : undefined;
  }

  /** However old, within what may be said at all. */
  stale(key: string): Recording | undefined {
    return this.#find(key, this.#options.staleMs);
  }

  /** Past the memory of this worker: what another one may have recorded a moment ago. */
  freshShared(key: string, ttlMs = this.#options.ttlMs): Recording | undefined {
    const { shared, memory } = this.#options;
    const found = shared.get(key);
    if (found === undefined || !this.#isYounger(found, ttlMs) || !this.#isOfSameWeights(found)) return undefined;
    memory.set(key, found);
    return found;
  }

  /** Room for a piece of an answer that is being recorded; to be given back in whatever way that ends. */
  hold(bytes: number): boolean {
    if (this.#heldBytes + bytes > maxHeldBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  letGo(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  hasRecent(key: string): boolean {
    this.#look();
    const found = this.#options.memory.get(key);
    return found !== undefined && this.#isYounger(found, recentMs) && this.#isOfSameWeights(found);
  }

  /** @param urgency `now` where others wait for it */
  record(key: string, lines: Buffer, about: NewRecording, urgency: 'now' | 'soon'): void {
    const { memory, shared, now } = this.#options;
    const { model, tenant, tags, epoch } = about;
    this.#look();
    if (lines.length > maxRecordedBytes || epoch !== this.#epoch) return;
    const digest = about.digest ?? this.#digestSince(about);
    const recording = new Recording(lines, { model, tenant, digest, recordedAtMs: now() }, tags);
    recording.whole = about.whole;
    memory.set(key, recording);
    if (urgency === 'now' || !this.#options.writesBehind) shared.write(key, recording, epoch);
    else shared.writeSoon(key, recording, epoch);
  }

  /**
   * When it resolves, no worker answers with any of it any more.
   * @returns how many of the shared entries there were @throws what the shared store throws
   */
  async purge({ tag, model, key }: PurgeRequest, signal?: AbortSignal): Promise<number> {
    const { memory, shared, purges, nameOf } = this.#options;
    // Before and behind: what is recorded in between belongs to neither side.
    purges.add();
    memory.clear();
    const removed =
      key === undefined
        ? await shared.purge(tagOf({ tag, model: model === undefined ? undefined : nameOf(model) }), signal)
        : Number(shared.delete(key));
    purges.add();
    await delay(lookEveryMs, undefined, { ref: false });
    return removed;
  }

  usage(): { readonly memory: MemoryTier['usage']; readonly shared: ReturnType<SharedTier['usage']> } {
    const { memory, shared } = this.#options;
    return { memory: memory.usage, shared: shared.usage() };
  }

  close(): void {
    this.#options.shared.flush();
  }

  #find(key: string, maxAgeMs: number): Recording | undefined {
    const { memory, shared } = this.#options;
    this.#look();
    const near = memory.get(key);
    if (near !== undefined && this.#isYounger(near, maxAgeMs)) return near;
    const far = shared.get(key);
    if (far === undefined || !this.#isYounger(far, maxAgeMs)) return undefined;
    memory.set(key, far);
    return far;
  }

  #isYounger({ facts }: Recording, maxAgeMs: number): boolean {
    return this.#options.now() - facts.recordedAtMs < maxAgeMs;
  }

  /** Nobody knew what weights would answer: those that are known now, unless models were changed meanwhile. */
  #digestSince({ model, changes }: NewRecording): string | undefined {
    const { weights } = this.#options;
    return changes === weights.changes() ? weights.digestOf(model) : undefined;
  }

  /** A model that was pulled anew gives other answers; old ones are good for bad times only. */
  #isOfSameWeights({ facts }: Recording): boolean {
    return facts.digest === this.#options.weights.digestOf(facts.model);
  }

  #look(): void {
    const { now, purges, memory, shared } = this.#options;
    const atMs = now();
    if (Math.abs(atMs - this.#lookedAtMs) < lookEveryMs) return;
    this.#lookedAtMs = atMs;
    try {
      const count = purges.count();
      if (count !== this.#epoch) {
        memory.clear();
        shared.dropWaiting();
      }
      this.#epoch = count;
    } catch {
      // Whoever purges hears of a store that does not work; whoever asks shall not.
    }
  }
}

function tagOf({ tag, model }: PurgeRequest): string | undefined {
  if (tag !== undefined) return clientTag(tag);
  return model === undefined ? undefined : modelTag(model);
}
