/**
 * What a dialect is: how it says an answer and how it says an error. The code that moves bytes (http/stream) knows only this.
 */
import type { LinePlace } from '../../admission/line-entry.ts';
import type { GenerationEvent } from '../../gateway/generation.ts';
import type { DeciError } from '../../kernel/errors.ts';

/** The shapes in which errors are told; every route of the table has one. */
export type ErrorDialect = 'ollama' | 'openai' | 'anthropic' | 'problem';

/** Renders one streamed answer. Stateful: one per answer, called in order, never after `error`. */
export interface StreamRenderer {
  readonly contentType: 'text/event-stream' | 'application/x-ndjson';
  /** The bytes for a batch of events; may be empty. The first call also opens the answer where the dialect has an opening. */
  render(events: readonly GenerationEvent[]): string;
  /** Bytes that say "still there" without saying anything; valid at any moment between two calls of `render`. */
  heartbeat(line?: LinePlace): string;
  /** The last bytes of an answer that failed after it began. Never an end that a client could take for success. */
  fail(error: DeciError, requestId: string): string;
}
