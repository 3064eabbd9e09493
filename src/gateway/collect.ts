/** A stream gathered into one answer, for clients that did not ask for a stream. */
import { isObject, type JsonObject, parseObject } from '../kernel/json.ts';
import { assertAnswerSize } from './answer-limit.ts';
import { decodeLines } from './decode-lines.ts';
import type { NativeStream } from './generate.ts';
import {
  type CollectedAnswer,
  emptyUsage,
  type GenerationEvent,
  type TokenLogprob,
  type ToolCall,
} from './generation.ts';
import { notJson } from './native-line.ts';
import { plainText } from './plain-text.ts';

/** Rewrites events on their way, for example the text of a forced tool into a call of it. */
export type EventMap = (events: readonly GenerationEvent[]) => readonly GenerationEvent[];

export async function collectAnswer(lines: AsyncIterable<Buffer>, map: EventMap = same): Promise<CollectedAnswer> {
  const text: string[] = [];
  const thinking: string[] = [];
  const toolCalls: ToolCall[] = [];
  const logprobs: TokenLogprob[] = [];
  let reason = 'stop';
  let usage = emptyUsage;
  let bytes = 0;
  for await (const block of lines) {
    bytes += block.length;
    assertAnswerSize(bytes);
    for (const event of map(decodeLines(block))) {
      if (event.type === 'end') {
        ({ reason, usage } = event);
        continue;
      }
      text.push(event.text);
      thinking.push(event.thinking);
      append(toolCalls, event.toolCalls);
      append(logprobs, event.logprobs);
    }
  }
  return { text: text.join(''), thinking: thinking.join(''), toolCalls, logprobs, reason, usage };
}

function same(events: readonly GenerationEvent[]): readonly GenerationEvent[] {
  return events;
}

/**
 * The one object that Ollama itself would have sent with `stream: false`: the last line, with everything the lines before
 * it said. Fields we do not know are kept as the last line has them.
 */
export async function collectNative(lines: AsyncIterable<Buffer> & Pick<NativeStream, 'blocks'>): Promise<JsonObject> {
  const [only, ...more] = lines.blocks ?? [];
  if (only !== undefined) return wholeOf(more.length === 0 ? only : Buffer.concat([only, ...more]));
  const parts = new NativeParts();
  let bytes = 0;
  for await (const block of lines) {
    bytes += block.length;
    assertAnswerSize(bytes);
    for (const line of block.toString('utf8').split('\n')) if (line !== '') parts.add(line);
  }
  return parts.whole();
}

/** The same of lines that are all there. */
export function wholeOf(lines: Buffer): JsonObject {
  const parts = new NativeParts();
  for (const line of lines.toString('utf8').split('\n')) if (line !== '') parts.add(line);
  return parts.whole();
}

class NativeParts {
  #text = '';
  #thinking = '';
  readonly #lists: Record<'tool_calls' | 'images' | 'logprobs', unknown[]> = {
    tool_calls: [],
    images: [],
    logprobs: [],
  };
  #last: JsonObject = {};

  add(line: string): void {
    const plain = plainText(line);
    if (plain !== undefined) {
      this.#text += plain;
      return;
    }
    const object = parseObject(line);
    if (object === undefined) throw notJson();
    this.#last = object;
    const said = isObject(object['message']) ? object['message'] : object;
    this.#text += textOf(said['content'] ?? said['response']);
    this.#thinking += textOf(said['thinking']);
    append(this.#lists.tool_calls, listOf(said['tool_calls']));
    append(this.#lists.images, listOf(said['images']));
    append(this.#lists.logprobs, listOf(object['logprobs']));
  }

  whole(): JsonObject {
    const { logprobs, ...lists } = this.#lists;
    const said: JsonObject = {};
    if (this.#thinking !== '') said['thinking'] = this.#thinking;
    for (const [field, items] of Object.entries(lists)) if (items.length > 0) said[field] = items;
    const { message } = this.#last;
    const answer = isObject(message)
      ? { ...this.#last, message: { ...message, content: this.#text, ...said } }
      : { ...this.#last, response: this.#text, ...said };
    return logprobs.length > 0 ? { ...answer, logprobs } : answer;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** Not by spreading: arguments live on the stack, and a list may be longer than the stack is deep. */
function append<T>(list: T[], more: readonly T[]): void {
  for (const item of more) list.push(item);
}
