/**
 * The answer of OpenAI's Responses API, streamed and whole.
 *
 * The stream is response.created, response.in_progress, then the items of the output one after the other (added, deltas,
 * done), then exactly one of response.completed, response.incomplete, response.failed. At most one item is open at a
 * time; its output_index is the number of items that are done. Every event carries the next sequence_number.
 */
import type { LinePlace } from '../../admission/line-entry.ts';
import type { CollectedAnswer, DeltaEvent, EndEvent, GenerationEvent, ToolCall } from '../../gateway/generation.ts';
import type { DeciError } from '../../kernel/errors.ts';
import type { StreamRenderer } from './dialect.ts';
import {
  functionCallItem,
  type ItemStatus,
  itemId,
  messageItem,
  outputText,
  type ResponsesAnswerOptions,
  reasoningItem,
  responseObject,
  summaryText,
} from './responses-object.ts';
import { itemOf, type OpenItem, reasoningDeltaPrefix, textDeltaPrefix } from './responses-open-item.ts';
import { aliveComment } from './sse-comment.ts';

/** One streamed answer of `/v1/responses`. */
export class ResponsesRenderer implements StreamRenderer {
  readonly contentType = 'text/event-stream';
  readonly #options: ResponsesAnswerOptions;
  readonly #done: object[] = [];
  #open: OpenItem | undefined;
  #started = false;
  #sequence = 0;

  constructor(options: ResponsesAnswerOptions) {
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
    return aliveComment(line);
  }

  fail(error: DeciError, requestId: string): string {
    const opening = this.#start();
    const output = this.#open === undefined ? this.#done : [...this.#done, itemOf(this.#open, 'incomplete')];
    const response = responseObject(this.#options, { status: 'failed', output, errorMessage: error.message });
    // Clients differ in where they look: at the failed response, at the members of the event, or at its `error` object.
    const details = { code: error.code, message: error.message, param: null };
    return (
      opening +
      this.#event('response.failed', { response }) +
      this.#event('error', { ...details, error: { type: 'server_error', ...details }, request_id: requestId })
    );
  }

  #start(): string {
    if (this.#started) {
      return '';
    }
    this.#started = true;
    const response = responseObject(this.#options, { status: 'in_progress', output: [] });
    return this.#event('response.created', { response }) + this.#event('response.in_progress', { response });
  }

  #delta(delta: DeltaEvent): string {
    let bytes = '';
    if (delta.thinking !== '') {
      bytes += this.#append('reasoning', delta.thinking);
    }
    if (delta.text !== '') {
      bytes += this.#append('message', delta.text);
    }
    for (const call of delta.toolCalls) {
      bytes += this.#functionCall(call);
    }
    return bytes;
  }

  #append(kind: OpenItem['kind'], text: string): string {
    let bytes = '';
    if (this.#open?.kind !== kind) {
      bytes = this.#close('completed') + this.#begin(kind);
    }
    const open = this.#open;
    if (open === undefined) {
      return bytes;
    }
    open.text += text;
    const sequence = this.#nextSequence();
    return `${bytes}${open.deltaPrefix}${JSON.stringify(text)},"sequence_number":${sequence}}\n\n`;
  }

  #begin(kind: OpenItem['kind']): string {
    const index = this.#done.length;
    if (kind === 'message') {
      const id = itemId('msg', this.#options.id, index);
      this.#open = { kind, id, deltaPrefix: textDeltaPrefix(id, index), text: '' };
      const place = { item_id: id, output_index: index, content_index: 0 };
      return (
        this.#event('response.output_item.added', { output_index: index, item: messageItem(id, 'in_progress', []) }) +
        this.#event('response.content_part.added', { ...place, part: outputText('') })
      );
    }
    const id = itemId('rs', this.#options.id, index);
    this.#open = { kind, id, deltaPrefix: reasoningDeltaPrefix(id, index), text: '' };
    const place = { item_id: id, output_index: index, summary_index: 0 };
    // The official client refuses a delta of a summary part that was not added before.
    return (
      this.#event('response.output_item.added', { output_index: index, item: { id, type: 'reasoning', summary: [] } }) +
      this.#event('response.reasoning_summary_part.added', { ...place, part: summaryText('') })
    );
  }

  #close(status: ItemStatus): string {
    const open = this.#open;
    if (open === undefined) {
      return '';
    }
    this.#open = undefined;
    const index = this.#done.length;
    const item = itemOf(open, status);
    this.#done.push(item);
    return this.#partDone(open, index) + this.#event('response.output_item.done', { output_index: index, item });
  }

  #partDone(open: OpenItem, index: number): string {
    const { id, text } = open;
    if (open.kind === 'message') {
      const place = { item_id: id, output_index: index, content_index: 0 };
      return (
        this.#event('response.output_text.done', { ...place, text, logprobs: [] }) +
        this.#event('response.content_part.done', { ...place, part: outputText(text) })
      );
    }
    const place = { item_id: id, output_index: index, summary_index: 0 };
    return (
      this.#event('response.reasoning_summary_text.done', { ...place, text }) +
      this.#event('response.reasoning_summary_part.done', { ...place, part: summaryText(text) })
    );
  }

  #functionCall(call: ToolCall): string {
    const closed = this.#close('completed');
    const index = this.#done.length;
    const item = functionCallItem(this.#options.id, index, call);
    this.#done.push(item);
    const place = { item_id: item.id, output_index: index };
    const begun = { ...item, status: 'in_progress', arguments: '' };
    return (
      closed +
      this.#event('response.output_item.added', { output_index: index, item: begun }) +
      this.#event('response.function_call_arguments.delta', { ...place, delta: item.arguments }) +
      this.#event('response.function_call_arguments.done', { ...place, name: item.name, arguments: item.arguments }) +
      this.#event('response.output_item.done', { output_index: index, item })
    );
  }

  #end(end: EndEvent): string {
    const status = end.reason === 'length' ? 'incomplete' : 'completed';
    // An answer without any item is one with an empty text, as it is without a stream.
    const empty = this.#open === undefined && this.#done.length === 0 ? this.#begin('message') : '';
    const closed = this.#close(status);
    const response = responseObject(this.#options, { status, output: this.#done, usage: end.usage });
    return empty + closed + this.#event(`response.${status}`, { response });
  }

  #event(type: string, members: object): string {
    const data = JSON.stringify({ type, ...members, sequence_number: this.#nextSequence() });
    return `event: ${type}\ndata: ${data}\n\n`;
  }

  #nextSequence(): number {
    const sequence = this.#sequence;
    this.#sequence += 1;
    return sequence;
  }
}

/** The whole answer of `/v1/responses`, for clients that did not ask for a stream. */
export function renderResponse(options: ResponsesAnswerOptions, answer: CollectedAnswer): object {
  const status = answer.reason === 'length' ? 'incomplete' : 'completed';
  const output: object[] = [];
  if (answer.thinking !== '') {
    output.push(reasoningItem(itemId('rs', options.id, 0), answer.thinking));
  }
  if (answer.text !== '' || answer.toolCalls.length === 0) {
    const id = itemId('msg', options.id, output.length);
    output.push(messageItem(id, status, [outputText(answer.text)]));
  }
  for (const call of answer.toolCalls) {
    output.push(functionCallItem(options.id, output.length, call));
  }
  return responseObject(options, { status, output, usage: answer.usage });
}
