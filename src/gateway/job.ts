/** What the gateway is asked to do: one request of Ollama's native API, already in native words. */
import type { KeyedRequest } from '../cache/request-key.ts';
import type { RetryPolicy } from '../resilience/retry-policy.ts';
import type { Asker } from './asker.ts';

export type GenerationPath = '/api/chat' | '/api/generate';

/** What an answer is recorded by, and whether an old one may be given. */
export interface RecordedQuestion extends KeyedRequest {
  readonly wishes?: CacheWishes | undefined;
  /** That of which an old answer may be given when this one has none, where that is another one. */
  readonly insteadOf?: RecordedQuestion | undefined;
}

export interface GenerationJob extends RecordedQuestion {
  readonly path: GenerationPath;
  /** The native request, JSON text in UTF-8, always with `stream: true` in effect. */
  readonly body: Buffer | string;
  /** The client gets the answer whole: nothing of it is given out before its end is there. */
  readonly gathered?: boolean;
  readonly asker: Asker;
  /** Options of the request that nobody asked for: those that the dialect has by default. */
  readonly implied?: readonly string[] | undefined;
  readonly retry?: RetryPolicy | undefined;
  /** Whether the caller may unload models, and keep them loaded for as long as it likes. */
  readonly mayManage?: boolean | undefined;
}

/** What a client says of recorded answers. */
export interface CacheWishes {
  /** Neither give me one nor keep this one. */
  readonly noStore: boolean;
  /** Give me one even where the next answer would be another. */
  readonly allow: boolean;
  /** An error is better than an old answer. */
  readonly refuseDegraded: boolean;
  /** Words under which this answer can be thrown away. */
  readonly tags: readonly string[];
  /** How old a recorded answer may be, where it is not as the settings say. */
  readonly ttlMs?: number | undefined;
}

export const noWishes: CacheWishes = { noStore: false, allow: false, refuseDegraded: false, tags: [] };
