/**
 * One line of Ollama's native stream, parsed, with the types of everything that Deci reads from it checked. What is null
 * counts as absent: Go writes it for a list that was never made.
 */
import { DeciError } from '../kernel/errors.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import type { GenerationUsage, TokenLogprob, ToolCall, TopLogprob } from './generation.ts';

export interface NativeLine {
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly ToolCall[];
  readonly logprobs: readonly TokenLogprob[];
  /** Set on the line that ends the answer. */
  readonly end: { readonly reason: string; readonly usage: GenerationUsage } | undefined;
}

const none: readonly never[] = [];

/** @throws DeciError `upstream_invalid` when the line is not JSON, or says something in another type than Ollama does */
export function parseNativeLine(text: string): NativeLine {
  const line = parse(text);
  const message = line['message'] ?? undefined;
  if (message !== undefined && !isObject(message)) throw wrongType('message');
  // chat nests what it says in a message, generate does not.
  const said = message ?? line;
  return {
    text: (message === undefined ? undefined : readString(message, 'content')) ?? readString(line, 'response') ?? '',
    thinking: readString(said, 'thinking') ?? '',
    toolCalls: readToolCalls(said['tool_calls']),
    logprobs: readLogprobs(line['logprobs']),
    end:
      line['done'] === true ? { reason: readString(line, 'done_reason') ?? 'stop', usage: readUsage(line) } : undefined,
  };
}

/** The failure of a line that looked whole to the scanner and is not JSON. */
export function notJson(cause?: unknown): DeciError {
  return new DeciError('upstream_invalid', { message: 'the model server sent a line that is not JSON', cause });
}

function wrongType(what: string): DeciError {
  return new DeciError('upstream_invalid', { message: `the model server sent a line with a wrong type of ${what}` });
}

function parse(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
  if (!isObject(value)) throw wrongType('value');
  return value;
}

function readString(object: JsonObject, field: string): string | undefined {
  const value = object[field] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw wrongType(field);
}

function readList(value: unknown, field: string): readonly unknown[] {
  if (value === undefined || value === null) return none;
  if (Array.isArray(value)) return value as unknown[];
  throw wrongType(field);
}

function readToolCalls(value: unknown): readonly ToolCall[] {
  const calls = readList(value, 'tool_calls');
  if (!calls.every(isToolCall)) throw wrongType('tool_calls');
  return calls;
}

function isToolCall(value: unknown): value is ToolCall {
  if (!isObject(value) || !isObject(value['function'])) return false;
  const { id } = value;
  const { index, name, arguments: given } = value['function'];
  return (
    typeof name === 'string' &&
    isObject(given) &&
    (id === undefined || id === null || typeof id === 'string') &&
    (index === undefined || index === null || typeof index === 'number')
  );
}

function readLogprobs(value: unknown): readonly TokenLogprob[] {
  return readList(value, 'logprobs').map(item => {
    if (!isLogprob(item)) throw wrongType('logprobs');
    const top = readList(item['top_logprobs'], 'logprobs');
    if (!top.every(isLogprob)) throw wrongType('logprobs');
    if (item['top_logprobs'] !== null) return item;
    // Its readers know absent, not null.
    const { top_logprobs: _null, ...rest } = item;
    return rest;
  });
}

function isLogprob(value: unknown): value is JsonObject & TopLogprob {
  return isObject(value) && typeof value['token'] === 'string' && isFiniteNumber(value['logprob']);
}

/** Ollama leaves zeros out. */
function readUsage(line: JsonObject): GenerationUsage {
  return {
    promptTokens: readCount(line, 'prompt_eval_count'),
    outputTokens: readCount(line, 'eval_count'),
    totalNs: readCount(line, 'total_duration'),
    loadNs: readCount(line, 'load_duration'),
    promptNs: readCount(line, 'prompt_eval_duration'),
    outputNs: readCount(line, 'eval_duration'),
  };
}

function readCount(line: JsonObject, field: string): number {
  const value = line[field] ?? 0;
  if (isFiniteNumber(value)) return value;
  throw wrongType(field);
}

/** JSON's 1e999 is a number too. */
function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
