/**
 * The one vocabulary in which an answer travels inside Deci, whatever dialect the client speaks: the lines of Ollama's
 * native stream, decoded. Renderers turn events into a dialect; nothing else knows what a client sees.
 */

export interface ToolCall {
  readonly id?: string;
  readonly function: {
    readonly index?: number;
    readonly name: string;
    readonly arguments: Readonly<Record<string, unknown>>;
  };
}

export interface TopLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[];
}

export interface TokenLogprob extends TopLogprob {
  readonly top_logprobs?: readonly TopLogprob[];
}

/** Counts are tokens, durations nanoseconds, as Ollama reports them; 0 where it left one out. */
export interface GenerationUsage {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly totalNs: number;
  readonly loadNs: number;
  readonly promptNs: number;
  readonly outputNs: number;
}

export interface DeltaEvent {
  readonly type: 'delta';
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly ToolCall[];
  readonly logprobs: readonly TokenLogprob[];
}

/** The only honest end of an answer: Ollama said `done: true`. `reason` is `stop`, `length`, `load` or `unload`. */
export interface EndEvent {
  readonly type: 'end';
  readonly reason: string;
  readonly usage: GenerationUsage;
}

export type GenerationEvent = DeltaEvent | EndEvent;

/** A whole answer, for clients that did not ask for a stream. */
export interface CollectedAnswer {
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly ToolCall[];
  readonly logprobs: readonly TokenLogprob[];
  readonly reason: string;
  readonly usage: GenerationUsage;
}

export const emptyUsage: GenerationUsage = {
  promptTokens: 0,
  outputTokens: 0,
  totalNs: 0,
  loadNs: 0,
  promptNs: 0,
  outputNs: 0,
};
