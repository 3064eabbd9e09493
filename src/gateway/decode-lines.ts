/** Lines of Ollama's native stream -> generation events. */
import { DeciError } from '../kernel/errors.ts';
import type { GenerationEvent, GenerationUsage, TokenLogprob, ToolCall } from './generation.ts';
import { plainText } from './plain-text.ts';

interface NativeLine {
  readonly message?: {
    readonly content?: string;
    readonly thinking?: string;
    readonly tool_calls?: readonly ToolCall[];
  };
  readonly response?: string;
  readonly thinking?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly logprobs?: readonly TokenLogprob[];
  readonly done?: boolean;
  readonly done_reason?: string;
  readonly total_duration?: number;
  readonly load_duration?: number;
  readonly prompt_eval_count?: number;
  readonly prompt_eval_duration?: number;
  readonly eval_count?: number;
  readonly eval_duration?: number;
}

const none: readonly never[] = [];

/**
 * @param block whole lines, already checked by the scanner
 * @throws DeciError `upstream_invalid` when a line that looked whole is not JSON
 */
export function decodeLines(block: Buffer): GenerationEvent[] {
  const events: GenerationEvent[] = [];
  for (const text of block.toString('utf8').split('\n')) {
    if (text === '') continue;
    const plain = plainText(text);
    if (plain !== undefined) {
      if (plain !== '') events.push({ type: 'delta', text: plain, thinking: '', toolCalls: none, logprobs: none });
      continue;
    }
    const line = parseLine(text);
    const delta = decodeDelta(line);
    if (delta !== undefined) events.push(delta);
    if (line.done === true) events.push({ type: 'end', reason: line.done_reason ?? 'stop', usage: readUsage(line) });
  }
  return events;
}

function parseLine(text: string): NativeLine {
  try {
    return JSON.parse(text) as NativeLine;
  } catch (cause) {
    throw notJson(cause);
  }
}

/** The failure of a line that looked whole to the scanner and is not JSON. */
export function notJson(cause?: unknown): DeciError {
  return new DeciError('upstream_invalid', { message: 'the model server sent a line that is not JSON', cause });
}

function decodeDelta(line: NativeLine): GenerationEvent | undefined {
  // chat nests what it says in a message, generate does not.
  const said = line.message ?? line;
  const text = line.message?.content ?? line.response ?? '';
  // Not by destructuring: its defaults do not stand in for null, which Go writes for a list that was never made.
  const thinking = said.thinking ?? '';
  const toolCalls = said.tool_calls ?? none;
  const logprobs = line.logprobs ?? none;
  if (text === '' && thinking === '' && toolCalls.length === 0 && logprobs.length === 0) return undefined;
  return { type: 'delta', text, thinking, toolCalls, logprobs };
}

/** Ollama leaves zeros out. */
function readUsage(line: NativeLine): GenerationUsage {
  return {
    promptTokens: line.prompt_eval_count ?? 0,
    outputTokens: line.eval_count ?? 0,
    totalNs: line.total_duration ?? 0,
    loadNs: line.load_duration ?? 0,
    promptNs: line.prompt_eval_duration ?? 0,
    outputNs: line.eval_duration ?? 0,
  };
}
