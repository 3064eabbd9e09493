/**
 * Anthropic's Messages answer, streamed and whole.
 *
 * The stream is message_start, then one content block after the other (start, deltas, stop), then message_delta with
 * the reason and the counts, then message_stop. Exactly one block is open at a time: `#block` is the kind that is open,
 * `#index` its number. A failure is an `error` event and never message_stop, so that no client takes it for an end.
 */
import type { LinePlace } from '../../admission/line-entry.ts';
import type { CollectedAnswer, DeltaEvent, EndEvent, GenerationEvent, ToolCall } from '../../gateway/generation.ts';
import type { DeciError } from '../../kernel/errors.ts';
import { renderAnthropicError } from './anthropic-error.ts';
import type { StreamRenderer } from './dialect.ts';
import { aliveComment } from './sse-comment.ts';

export interface AnthropicAnswerOptions {
  /** The id of the message, `msg_…`, unique. */
  readonly id: string;
  readonly model: string;
}

export interface AnthropicRendererOptions extends AnthropicAnswerOptions {
  /** What message_start reports as input tokens: the true count is known only at the end, in message_delta. */
  readonly estimatedInputTokens: number;
}

type BlockKind = 'text' | 'thinking';

const emptyBlocks: Readonly<Record<BlockKind, object>> = {
  text: { type: 'text', text: '' },
  // Clients add a signature up and expect the member; a local model signs nothing, so it stays empty.
  thinking: { type: 'thinking', thinking: '', signature: '' },
};

/** One streamed answer of `/v1/messages`. */
export class AnthropicRenderer implements StreamRenderer {
  readonly contentType = 'text/event-stream';
  readonly #options: AnthropicRendererOptions;
  #started = false;
  #index = 0;
  #block: BlockKind | 'none' = 'none';
  #toolCalls = 0;
  /** Everything of a delta event before its text, made once per block: a token costs one concatenation. */
  #deltaPrefix = '';

  constructor(options: AnthropicRendererOptions) {
    this.#options = options;
  }

  render(events: readonly GenerationEvent[]): string {
    let bytes = this.#start();
    for (const event of events) {
      bytes += event.type === 'delta' ? this.#delta(event) : this.#end(event);
    }
    return bytes;
  }

  heartbeat(line?: LinePlace): string {
    // Before message_start some clients know no event at all, so only a comment is safe there.
    return this.#started ? 'event: ping\ndata: {"type":"ping"}\n\n' : aliveComment(line);
  }

  fail(error: DeciError, requestId: string): string {
    return `event: error\ndata: ${JSON.stringify(renderAnthropicError(error, requestId))}\n\n`;
  }

  #start(): string {
    if (this.#started) {
      return '';
    }
    this.#started = true;
    const usage = { input_tokens: this.#options.estimatedInputTokens, output_tokens: 0 };
    return sseEvent('message_start', { message: message(this.#options, [], { stopReason: null, usage }) });
  }

  #delta(delta: DeltaEvent): string {
    let bytes = '';
    if (delta.thinking !== '') {
      bytes += this.#open('thinking') + this.#deltaPrefix + JSON.stringify(delta.thinking) + deltaSuffix;
    }
    if (delta.text !== '') {
      bytes += this.#open('text') + this.#deltaPrefix + JSON.stringify(delta.text) + deltaSuffix;
    }
    for (const call of delta.toolCalls) {
      bytes += this.#toolUse(call);
    }
    return bytes;
  }

  #open(kind: BlockKind): string {
    if (this.#block === kind) {
      return '';
    }
    const closed = this.#close();
    this.#block = kind;
    this.#deltaPrefix = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${this.#index},"delta":{"type":"${kind}_delta","${kind}":`;
    return closed + sseEvent('content_block_start', { index: this.#index, content_block: emptyBlocks[kind] });
  }

  #close(): string {
    if (this.#block === 'none') {
      return '';
    }
    this.#block = 'none';
    const index = this.#index;
    this.#index += 1;
    return sseEvent('content_block_stop', { index });
  }

  #toolUse(call: ToolCall): string {
    const closed = this.#close();
    const index = this.#index;
    const block = { ...toolUseBlock(call, this.#options.id, this.#toolCalls), input: {} };
    this.#index += 1;
    this.#toolCalls += 1;
    return (
      closed +
      sseEvent('content_block_start', { index, content_block: block }) +
      sseEvent('content_block_delta', {
        index,
        delta: { type: 'input_json_delta', partial_json: JSON.stringify(call.function.arguments) },
      }) +
      sseEvent('content_block_stop', { index })
    );
  }

  #end(end: EndEvent): string {
    const delta = { stop_reason: stopReason(end.reason, this.#toolCalls), stop_sequence: null };
    return this.#close() + sseEvent('message_delta', { delta, usage: usageOf(end) }) + sseEvent('message_stop', {});
  }
}

/** The whole answer of `/v1/messages`, for clients that did not ask for a stream. */
export function renderAnthropicMessage(options: AnthropicAnswerOptions, answer: CollectedAnswer): object {
  const content: object[] = [];
  if (answer.thinking !== '') {
    content.push({ type: 'thinking', thinking: answer.thinking, signature: '' });
  }
  if (answer.text !== '') {
    content.push({ type: 'text', text: answer.text });
  }
  content.push(...answer.toolCalls.map((call, position) => toolUseBlock(call, options.id, position)));
  return message(options, content, {
    stopReason: stopReason(answer.reason, answer.toolCalls.length),
    usage: usageOf(answer),
  });
}

const deltaSuffix = '}}\n\n';

function sseEvent(type: string, members: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

function message(
  options: AnthropicAnswerOptions,
  content: readonly object[],
  state: { readonly stopReason: string | null; readonly usage: object },
): object {
  return {
    id: options.id,
    type: 'message',
    role: 'assistant',
    model: options.model,
    content,
    stop_reason: state.stopReason,
    stop_sequence: null,
    usage: state.usage,
  };
}

/** A client finds the call of a result by its id, so a call that came without one gets one that is unique. */
function toolUseBlock(call: ToolCall, messageId: string, position: number): object {
  return {
    type: 'tool_use',
    id: call.id ?? `toolu_${messageId}_${position}`,
    name: call.function.name,
    input: call.function.arguments,
  };
}

/** A stop string ends an answer as `stop`, like the model's own end: Ollama does not tell the two apart. */
function stopReason(reason: string, toolCalls: number): string {
  if (toolCalls > 0) {
    return 'tool_use';
  }
  switch (reason) {
    case 'stop':
      return 'end_turn';
    case 'length':
      return 'max_tokens';
    default:
      return 'stop_sequence';
  }
}

function usageOf(answer: Pick<EndEvent, 'usage'>): object {
  return { input_tokens: answer.usage.promptTokens, output_tokens: answer.usage.outputTokens };
}
