/** A request of OpenAI's `/v1/responses` as a native chat request. Nothing is stored, so whatever builds on a stored response is refused. */
import type { NativeChatRequest } from '../../gateway/native-request.ts';
import { thinkFromEffort } from './reasoning-effort.ts';
import {
  asObject,
  invalidField,
  type JsonObject,
  optionalArray,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalStringArray,
  requiredModel,
  requiredObject,
} from './request-fields.ts';
import { readResponsesInput } from './responses-input.ts';
import type { ResponsesEcho } from './responses-object.ts';
import { readResponsesToolChoice, readResponsesTools } from './responses-tools.ts';
import { constrainTools, type ForcedTools } from './tool-choice.ts';

export interface ResponsesPlan {
  readonly model: string;
  readonly stream: boolean;
  readonly request: NativeChatRequest;
  readonly forced: ForcedTools | undefined;
  readonly echo: ResponsesEcho;
}

export function parseResponsesRequest(body: unknown): ResponsesPlan {
  const fields = asObject(body);
  refuseStoredState(fields);
  const model = requiredModel(fields);
  const stream = optionalBoolean(fields, 'stream') ?? false;
  const { choice, allowed } = readResponsesToolChoice(fields);
  const tools = readResponsesTools(fields).filter(tool => allowed?.includes(tool.function.name) ?? true);
  const think = thinkFromEffort(readReasoning(fields).effort, 'reasoning.effort');
  const format = readFormat(fields);
  const unconstrained: NativeChatRequest = {
    model,
    stream: true,
    messages: readMessages(fields),
    options: readOptions(fields),
    ...(tools.length === 0 ? {} : { tools }),
    ...(think === undefined ? {} : { think }),
    ...(format === undefined ? {} : { format }),
  };
  return { model, stream, ...constrainTools(unconstrained, choice), echo: echoOf(fields) };
}

function refuseStoredState(fields: JsonObject): void {
  for (const param of ['previous_response_id', 'conversation']) {
    if (fields[param] !== undefined && fields[param] !== null) {
      throw invalidField(
        param,
        `${param} is not supported: responses are not stored, send the whole conversation as input`,
      );
    }
  }
  if (optionalBoolean(fields, 'background') === true) {
    throw invalidField(
      'background',
      'background responses are not supported: responses are not stored, use stream instead',
    );
  }
  if (fields['prompt'] !== undefined && fields['prompt'] !== null) {
    throw invalidField('prompt', 'prompt templates are not supported, send instructions and input instead');
  }
}

function readMessages(fields: JsonObject): NativeChatRequest['messages'] {
  const instructions = optionalString(fields, 'instructions') ?? '';
  const input = readResponsesInput(fields);
  const messages = instructions === '' ? input : [{ role: 'system', content: instructions }, ...input];
  if (messages.length === 0) {
    // For Ollama a chat without messages is the order to load the model, which nobody asked for here.
    throw invalidField('input', 'input must not be empty');
  }
  return messages;
}

/** OpenAI's default temperature is 1, and Ollama keeps to it on this route; models' own defaults stay for the rest. */
function readOptions(fields: JsonObject): Readonly<Record<string, unknown>> {
  const topP = optionalNumber(fields, 'top_p');
  const maxTokens = optionalInteger(fields, 'max_output_tokens');
  return {
    temperature: optionalNumber(fields, 'temperature') ?? 1,
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(maxTokens === undefined ? {} : { num_predict: maxTokens }),
  };
}

function readReasoning(fields: JsonObject): {
  readonly effort: string | undefined;
  readonly summary: string | undefined;
} {
  const reasoning = optionalObject(fields, 'reasoning') ?? {};
  return {
    effort: optionalString(reasoning, 'effort', 'reasoning.effort'),
    summary: optionalString(reasoning, 'summary', 'reasoning.summary'),
  };
}

function readFormat(fields: JsonObject): NonNullable<NativeChatRequest['format']> | undefined {
  const path = 'text.format';
  const format = optionalObject(optionalObject(fields, 'text') ?? {}, 'format', path);
  switch (format?.['type']) {
    case undefined:
    case 'text':
      return undefined;
    case 'json_object':
      return 'json';
    case 'json_schema':
      return requiredObject(format ?? {}, 'schema', `${path}.schema`);
    default:
      throw invalidField(`${path}.type`, `${path}.type must be 'text', 'json_object' or 'json_schema'`);
  }
}

function echoOf(fields: JsonObject): ResponsesEcho {
  optionalStringArray(fields, 'include');
  return {
    instructions: optionalString(fields, 'instructions') ?? null,
    max_output_tokens: optionalInteger(fields, 'max_output_tokens') ?? null,
    metadata: optionalObject(fields, 'metadata') ?? {},
    parallel_tool_calls: optionalBoolean(fields, 'parallel_tool_calls') ?? true,
    reasoning: reasoningEcho(fields),
    temperature: optionalNumber(fields, 'temperature') ?? 1,
    text: { format: { type: 'text' }, ...withoutNulls(optionalObject(fields, 'text') ?? {}) },
    tool_choice: fields['tool_choice'] ?? 'auto',
    tools: optionalArray(fields, 'tools') ?? [],
    top_p: optionalNumber(fields, 'top_p') ?? 1,
    truncation: optionalString(fields, 'truncation') ?? 'disabled',
  };
}

function reasoningEcho(fields: JsonObject): object | null {
  const { effort, summary } = readReasoning(fields);
  return effort === undefined && summary === undefined ? null : { effort: effort ?? null, summary: summary ?? null };
}

function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}
