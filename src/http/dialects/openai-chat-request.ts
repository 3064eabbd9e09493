/**
 * `POST /v1/chat/completions` as one or several native chat requests. What Ollama ignores but OpenAI defines
 * (max_completion_tokens, tool_choice, n) is made to work; parallel_tool_calls, user, metadata, logit_bias and service_tier
 * stay without effect.
 */
import type { NativeChatRequest } from '../../gateway/native-request.ts';
import { readOpenAiMessages } from './openai-messages.ts';
import { readKeepAlive, readSamplingOptions, readStreamFields, readTopLogprobs } from './openai-options.ts';
import { readOpenAiTools } from './openai-tools.ts';
import { thinkFromEffort } from './reasoning-effort.ts';
import {
  asObject,
  invalidField,
  type JsonObject,
  optionalBoolean,
  optionalInteger,
  optionalObject,
  optionalString,
  requiredModel,
} from './request-fields.ts';
import { constrainTools, type ForcedTools, parseOpenAiToolChoice } from './tool-choice.ts';

const maxChoices = 16;

export interface OpenAiChatPlan {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly n: number;
  readonly request: NativeChatRequest;
  /** One per choice. */
  readonly requests: readonly NativeChatRequest[];
  readonly forced: ForcedTools | undefined;
}

function readChoiceCount(body: JsonObject): number {
  const n = optionalInteger(body, 'n') ?? 1;
  if (n < 1 || n > maxChoices) {
    throw invalidField('n', `n must be between 1 and ${maxChoices}`);
  }
  return n;
}

function readFormat(body: JsonObject): Pick<NativeChatRequest, 'format'> {
  const given = optionalObject(body, 'response_format') ?? {};
  const type = optionalString(given, 'type', 'response_format.type')?.trim().toLowerCase();
  if (type === 'json_object') {
    return { format: 'json' };
  }
  if (type !== 'json_schema') {
    return {};
  }
  const container = optionalObject(given, 'json_schema', 'response_format.json_schema') ?? {};
  const format = optionalObject(container, 'schema', 'response_format.json_schema.schema');
  return format === undefined ? {} : { format };
}

/** A `reasoning` object decides alone, even without an effort in it. */
function readThink(body: JsonObject): Pick<NativeChatRequest, 'think'> {
  const reasoning = optionalObject(body, 'reasoning');
  const think =
    reasoning === undefined
      ? thinkFromEffort(optionalString(body, 'reasoning_effort'), 'reasoning_effort')
      : thinkFromEffort(optionalString(reasoning, 'effort', 'reasoning.effort'), 'reasoning.effort');
  return think === undefined ? {} : { think };
}

function readLogprobs(body: JsonObject): Pick<NativeChatRequest, 'logprobs' | 'top_logprobs'> {
  const topLogprobs = readTopLogprobs(body, 'top_logprobs');
  return {
    ...(optionalBoolean(body, 'logprobs') === true ? { logprobs: true } : {}),
    ...(topLogprobs > 0 ? { top_logprobs: topLogprobs } : {}),
  };
}

function readRequest(body: JsonObject): NativeChatRequest {
  const messages = readOpenAiMessages(body);
  const tools = readOpenAiTools(body);
  const maxTokens = optionalInteger(body, 'max_tokens');
  return {
    model: requiredModel(body),
    messages,
    stream: true,
    ...readFormat(body),
    options: readSamplingOptions(body, optionalInteger(body, 'max_completion_tokens') ?? maxTokens, {}),
    ...(tools.length > 0 ? { tools } : {}),
    ...readThink(body),
    ...readLogprobs(body),
    ...readKeepAlive(body),
  };
}

/** The same seed would give the same answer n times. */
function variants(request: NativeChatRequest, n: number): readonly NativeChatRequest[] {
  const seed = request.options?.['seed'];
  return Array.from({ length: n }, (_, index) =>
    typeof seed === 'number' ? { ...request, options: { ...request.options, seed: seed + index } } : request,
  );
}

export function parseOpenAiChatRequest(body: unknown): OpenAiChatPlan {
  const fields = asObject(body);
  const choice = parseOpenAiToolChoice(fields['tool_choice']);
  const { request, forced } = constrainTools(readRequest(fields), choice);
  const n = readChoiceCount(fields);
  return { model: request.model, ...readStreamFields(fields), n, request, requests: variants(request, n), forced };
}
