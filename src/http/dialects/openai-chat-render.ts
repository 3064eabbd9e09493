/**
 * Chat answers in OpenAI's words, streamed and whole. Order and fields of the chunks are those of Ollama, save that tool
 * calls are numbered here: clients put streamed calls together by `index`, which not every model's parser counts.
 */
import type { LinePlace } from '../../admission/line-entry.ts';
import type {
  CollectedAnswer,
  DeltaEvent,
  EndEvent,
  GenerationEvent,
  TokenLogprob,
  ToolCall,
} from '../../gateway/generation.ts';
import type { DeciError } from '../../kernel/errors.ts';
import type { StreamRenderer } from './dialect.ts';
import { renderOpenAiStreamError } from './openai-error.ts';
import { openAiUsage } from './openai-usage.ts';
import { aliveComment } from './sse-comment.ts';

export interface OpenAiChatOptions {
  readonly id: string;
  readonly model: string;
  readonly createdSeconds: number;
}

export interface OpenAiChatStreamOptions extends OpenAiChatOptions {
  readonly includeUsage: boolean;
  /** How many answers are to come. */
  readonly choices: number;
}

function toolCallObject(call: ToolCall, index: number, answerId: string): object {
  return {
    // An id is needed to answer a call; a server that gives none must not leave two calls with the same empty one.
    id: call.id ?? `call_${answerId}_${index}`,
    index,
    type: 'function',
    function: { name: call.function.name, arguments: JSON.stringify(call.function.arguments) },
  };
}

function finishReason(reason: string, toolCalled: boolean): string {
  const known = reason === '' ? 'stop' : reason;
  return known === 'stop' && toolCalled ? 'tool_calls' : known;
}

function logprobsMember(logprobs: readonly TokenLogprob[]): object {
  return logprobs.length === 0 ? {} : { logprobs: { content: logprobs } };
}

/** One of the answers of a stream. Plain text is put together from prepared pieces, since that is nearly all there is to send. */
class ChoiceStream {
  readonly #answerId: string;
  readonly #prefix: string;
  readonly #textPrefix: string;
  #opened = false;
  #toolCalls = 0;

  constructor(answerId: string, chunkPrefix: string, index: number) {
    // Ids name the choice too, so that two answers never share one.
    this.#answerId = index === 0 ? answerId : `${answerId}_${index}`;
    this.#prefix = `${chunkPrefix}[{"index":${index},"delta":`;
    this.#textPrefix = `${this.#prefix}{"content":`;
  }

  delta(event: DeltaEvent): string {
    const { text, thinking, toolCalls, logprobs } = event;
    if (this.#opened && thinking === '' && toolCalls.length === 0 && logprobs.length === 0) {
      return text === '' ? '' : `${this.#textPrefix}${JSON.stringify(text)}},"finish_reason":null}]}\n\n`;
    }
    const answer = { content: text, ...this.#toolCallsMember(toolCalls) };
    if (thinking === '') {
      return this.#chunk(answer, logprobs);
    }
    if (text === '' && toolCalls.length === 0) {
      return this.#chunk({ content: '', reasoning: thinking }, logprobs);
    }
    return this.#chunk({ reasoning: thinking }, logprobs) + this.#chunk(answer, []);
  }

  end(event: EndEvent): string {
    const opening = this.#opened ? '' : this.#chunk({ content: '' }, []);
    const reason = finishReason(event.reason, this.#toolCalls > 0);
    return `${opening}${this.#prefix}{},"finish_reason":${JSON.stringify(reason)}}]}\n\n`;
  }

  #toolCallsMember(calls: readonly ToolCall[]): object {
    if (calls.length === 0) {
      return {};
    }
    const first = this.#toolCalls;
    this.#toolCalls += calls.length;
    return { tool_calls: calls.map((call, offset) => toolCallObject(call, first + offset, this.#answerId)) };
  }

  #chunk(delta: object, logprobs: readonly TokenLogprob[]): string {
    const role = this.#opened ? {} : { role: 'assistant' };
    this.#opened = true;
    const more = logprobs.length === 0 ? '' : `,"logprobs":${JSON.stringify({ content: logprobs })}`;
    return `${this.#prefix}${JSON.stringify({ ...role, ...delta })},"finish_reason":null${more}}]}\n\n`;
  }
}

/** Answers may come interleaved; the stream ends when the last of them has ended. */
export class OpenAiChatRenderer implements StreamRenderer {
  readonly contentType = 'text/event-stream';
  readonly #includeUsage: boolean;
  readonly #chunkPrefix: string;
  readonly #choices: readonly ChoiceStream[];
  readonly #ended: EndEvent[] = [];

  constructor(options: OpenAiChatStreamOptions) {
    const head = {
      id: options.id,
      object: 'chat.completion.chunk',
      created: options.createdSeconds,
      model: options.model,
      system_fingerprint: 'fp_ollama',
    };
    this.#includeUsage = options.includeUsage;
    const prefix = `data: ${JSON.stringify(head).slice(0, -1)},"choices":`;
    this.#chunkPrefix = prefix;
    this.#choices = Array.from({ length: options.choices }, (_, index) => new ChoiceStream(options.id, prefix, index));
  }

  render(events: readonly GenerationEvent[]): string {
    return this.renderChoice(0, events);
  }

  renderChoice(index: number, events: readonly GenerationEvent[]): string {
    const choice = this.#choices[index];
    if (choice === undefined) {
      throw new RangeError(`the answer has no choice ${index}`);
    }
    let bytes = '';
    for (const event of events) {
      bytes += event.type === 'delta' ? choice.delta(event) : choice.end(event) + this.#ending(event);
    }
    return bytes;
  }

  heartbeat(line?: LinePlace): string {
    return aliveComment(line);
  }

  fail(error: DeciError, requestId: string): string {
    return renderOpenAiStreamError(error, requestId);
  }

  #ending(event: EndEvent): string {
    this.#ended.push(event);
    if (this.#ended.length < this.#choices.length) {
      return '';
    }
    const usage = openAiUsage(this.#ended.map(end => end.usage));
    const usageChunk = `${this.#chunkPrefix}[],"usage":${JSON.stringify(usage)}}\n\n`;
    return `${this.#includeUsage ? usageChunk : ''}data: [DONE]\n\n`;
  }
}

function choiceObject(answer: CollectedAnswer, index: number, answerId: string): object {
  const { text, thinking, toolCalls, logprobs, reason } = answer;
  const id = index === 0 ? answerId : `${answerId}_${index}`;
  return {
    index,
    message: {
      role: 'assistant',
      content: text,
      ...(thinking === '' ? {} : { reasoning: thinking }),
      ...(toolCalls.length === 0
        ? {}
        : { tool_calls: toolCalls.map((call, order) => toolCallObject(call, order, id)) }),
    },
    finish_reason: finishReason(reason, toolCalls.length > 0),
    ...logprobsMember(logprobs),
  };
}

export function renderOpenAiChat(options: OpenAiChatOptions, answers: readonly CollectedAnswer[]): object {
  return {
    id: options.id,
    object: 'chat.completion',
    created: options.createdSeconds,
    model: options.model,
    system_fingerprint: 'fp_ollama',
    choices: answers.map((answer, index) => choiceObject(answer, index, options.id)),
    usage: openAiUsage(answers.map(answer => answer.usage)),
  };
}
