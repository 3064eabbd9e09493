/** What the gateway is asked to do: one request of Ollama's native API, already in native words. */

import type { JsonObject } from '../kernel/json.ts';
import type { RetryPolicy } from '../resilience/retry-policy.ts';
import type { Asker } from './asker.ts';

export type GenerationPath = '/api/chat' | '/api/generate';

export interface GenerationJob {
  readonly path: GenerationPath;
  readonly model: string;
  /** The native request, JSON text in UTF-8, always with `stream: true` in effect. */
  readonly body: Buffer | string;
  /** The client gets the answer whole: nothing of it is given out before its end is there. */
  readonly gathered?: boolean;
  /** The body, where it was parsed already. */
  readonly request?: JsonObject | undefined;
  /** Whose answer it is; nobody else is ever given it. */
  readonly tenant: string;
  /** Tells apart several answers that are wanted for one request. */
  readonly variant?: number | undefined;
  readonly wishes?: CacheWishes | undefined;
  readonly asker: Asker;
  /** Options of the request that nobody asked for: those that the dialect has by default. */
  readonly implied?: readonly string[] | undefined;
  /** Names of the hosts that may be asked; all of them when absent. */
  readonly hosts?: readonly string[] | undefined;
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
