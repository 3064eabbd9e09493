/** What the gateway is asked to do: one request of Ollama's native API, already in native words. */

import type { JsonObject } from '../kernel/json.ts';
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
}

export const noWishes: CacheWishes = { noStore: false, allow: false, refuseDegraded: false, tags: [] };
