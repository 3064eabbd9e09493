/** The objects of the Responses API: the response itself and the items of its output. Used by the stream and the whole answer. */
import type { GenerationUsage, ToolCall } from '../../gateway/generation.ts';

/** The members of a response that repeat its request (instructions, tools, temperature, …), under their wire names. */
export type ResponsesEcho = Readonly<Record<string, unknown>>;

export interface ResponsesAnswerOptions {
  /** The id of the response, `resp_…`, unique. The ids of its items are made from it. */
  readonly id: string;
  readonly model: string;
  readonly createdAtMs: number;
  /** Milliseconds since the epoch, for the moment of completion. */
  readonly now: () => number;
  readonly echo: ResponsesEcho;
}

export type ResponsesStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed';
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export interface ResponsesState {
  readonly status: ResponsesStatus;
  readonly output: readonly object[];
  readonly usage?: GenerationUsage;
  readonly errorMessage?: string;
}

export function responseObject(options: ResponsesAnswerOptions, state: ResponsesState): object {
  return {
    id: options.id,
    object: 'response',
    created_at: toSeconds(options.createdAtMs),
    completed_at: state.status === 'completed' ? toSeconds(options.now()) : null,
    status: state.status,
    incomplete_details: state.status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    error: state.errorMessage === undefined ? null : { code: 'server_error', message: state.errorMessage },
    model: options.model,
    previous_response_id: null,
    ...options.echo,
    output: state.output,
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: 0,
    usage: state.usage === undefined ? null : usageObject(state.usage),
    max_tool_calls: null,
    // Nothing is kept: an answer can never be fetched again by its id.
    store: false,
    background: false,
    service_tier: 'default',
    safety_identifier: null,
    prompt_cache_key: null,
  };
}

export function outputText(text: string): object {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

export function messageItem(id: string, status: ItemStatus, content: readonly object[]): object {
  return { id, type: 'message', status, role: 'assistant', content };
}

/**
 * Ollama puts the plain thinking into `encrypted_content`, which clients hand back in the next turn; since we keep
 * nothing, that is the only way in which a model sees its own thoughts again.
 */
export function reasoningItem(id: string, thinking: string): object {
  return { id, type: 'reasoning', summary: [summaryText(thinking)], encrypted_content: thinking };
}

export function summaryText(text: string): object {
  return { type: 'summary_text', text };
}

export interface FunctionCallItem {
  readonly id: string;
  readonly type: 'function_call';
  readonly status: 'completed';
  readonly call_id: string;
  readonly name: string;
  readonly arguments: string;
}

/** A client finds the call of a result by its call_id, so a call that came without one gets one that is unique. */
export function functionCallItem(responseId: string, outputIndex: number, call: ToolCall): FunctionCallItem {
  return {
    id: itemId('fc', responseId, outputIndex),
    type: 'function_call',
    status: 'completed',
    call_id: call.id ?? itemId('call', responseId, outputIndex),
    name: call.function.name,
    arguments: JSON.stringify(call.function.arguments),
  };
}

export function itemId(prefix: 'msg' | 'rs' | 'fc' | 'call', responseId: string, outputIndex: number): string {
  return `${prefix}_${responseId.replace(/^resp_/, '')}_${outputIndex}`;
}

/** Ollama counts the tokens of thinking and of text together, and does not tell how much of a prompt was cached. */
function usageObject(usage: GenerationUsage): object {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.promptTokens + usage.outputTokens,
  };
}

function toSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}
