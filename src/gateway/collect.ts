/** A stream gathered into one answer, for clients that did not ask for a stream. */
import { DeciError } from '../kernel/errors.ts';
import { isObject, type JsonObject, parseObject } from '../kernel/json.ts';
import { decodeLines } from './decode-lines.ts';
import {
  type CollectedAnswer,
  emptyUsage,
  type GenerationEvent,
  type TokenLogprob,
  type ToolCall,
} from './generation.ts';

/** Rewrites events on their way, for example the text of a forced tool into a call of it. */
export type EventMap = (events: readonly GenerationEvent[]) => readonly GenerationEvent[];

export async function collectAnswer(lines: AsyncIterable<Buffer>, map: EventMap = same): Promise<CollectedAnswer> {
  const text: string[] = [];
  const thinking: string[] = [];
  const toolCalls: ToolCall[] = [];
  const logprobs: TokenLogprob[] = [];
  let reason = 'stop';
  let usage = emptyUsage;
  for await (const block of lines) {
    for (const event of map(decodeLines(block))) {
      if (event.type === 'end') {
        ({ reason, usage } = event);
        continue;
      }
      text.push(event.text);
      thinking.push(event.thinking);
      toolCalls.push(...event.toolCalls);
      logprobs.push(...event.logprobs);
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
export async function collectNative(lines: AsyncIterable<Buffer>): Promise<JsonObject> {
  const blocks: Buffer[] = [];
  for await (const block of lines) blocks.push(block);
  const objects = Buffer.concat(blocks)
    .toString('utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(parseNative);
  const last = objects.at(-1) ?? {};
  const whole = mergeText(objects, last, ['response', 'thinking'], ['tool_calls', 'logprobs']);
  const messages = objects.map(object => object['message']).filter(isObject);
  const message = messages.at(-1);
  if (message !== undefined) {
    whole['message'] = mergeText(messages, message, ['content', 'thinking'], ['tool_calls', 'images']);
  }
  return whole;
}

function mergeText(parts: JsonObject[], last: JsonObject, texts: string[], lists: string[]): JsonObject {
  const whole: JsonObject = { ...last };
  for (const field of texts) {
    const pieces = parts.map(part => part[field]).filter(piece => typeof piece === 'string');
    if (pieces.length > 0 && (pieces.some(piece => piece !== '') || field in last)) whole[field] = pieces.join('');
  }
  for (const field of lists) {
    const items = parts.flatMap(part => (Array.isArray(part[field]) ? (part[field] as unknown[]) : []));
    if (items.length > 0) whole[field] = items;
  }
  return whole;
}

function parseNative(line: string): JsonObject {
  const object = parseObject(line);
  if (object === undefined)
    throw new DeciError('upstream_invalid', { message: 'the model server sent a line that is not JSON' });
  return object;
}
