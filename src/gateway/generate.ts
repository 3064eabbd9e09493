/** The gateway's one verb and what it gives: an inference request in, a checked native stream out, free of HTTP. */
import type { FinalLine } from '../ollama/ndjson-scanner.ts';
import type { GenerationJob } from './job.ts';

/** An answer under way. Iterating gives whole NDJSON lines; it ends normally only behind `done: true`. */
export interface NativeStream extends AsyncIterable<Buffer> {
  /** Name of the host that answers; undefined for a recorded answer. */
  readonly upstream: string | undefined;
  /** How long the request waited for a slot of that host; 0 when one was free. */
  readonly queueMs: number;
  /** One JSON object instead of a stream, as when a model is only loaded. */
  readonly single: boolean;
  /** The line that ended the answer, once it has passed. */
  readonly final: FinalLine | undefined;
  readonly marks?: AnswerMarks | undefined;
  /** All of its lines, where they are all there: then nobody need iterate. */
  readonly blocks?: readonly Buffer[] | undefined;
  /** The record that is being replayed. Its whole object in JSON is made once and kept with it. */
  readonly record?: { whole: string | undefined } | undefined;
}

export type CacheResult = 'hit' | 'miss' | 'stale' | 'coalesced' | 'bypass';

/** What a client is told about where its answer is from. */
export interface AnswerMarks {
  readonly cache: CacheResult;
  /** Why the answer is not what was asked for, if it is not. */
  readonly degraded?: string | undefined;
  /** The model that answered, where it has another name than the one that was asked for. */
  readonly model?: string | undefined;
  /** What of the request was changed by policy, as `name=value`. */
  readonly adjusted?: readonly string[] | undefined;
  /** Under which a recorded answer can be thrown away. */
  readonly cacheKey?: string | undefined;
}

/** @throws DeciError before anything of an answer has begun */
export type Generate = (job: GenerationJob, signal: AbortSignal) => Promise<NativeStream>;
