/** A request of Anthropic's `/v1/messages` as a native chat request. */
import type { NativeChatRequest, NativeTool, Think } from '../../gateway/native-request.ts';
import { readAnthropicMessages, readAnthropicSystem } from './anthropic-messages.ts';
import {
  asObject,
  asObjectAt,
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
  requiredString,
} from './request-fields.ts';
import { constrainTools, type ForcedTools, type ToolChoice } from './tool-choice.ts';

export interface AnthropicPlan {
  readonly model: string;
  readonly stream: boolean;
  readonly request: NativeChatRequest;
  readonly forced: ForcedTools | undefined;
}

export function parseAnthropicRequest(body: unknown): AnthropicPlan {
  const fields = asObject(body);
  const conversation = readConversation(fields);
  const maxTokens = optionalInteger(fields, 'max_tokens') ?? 0;
  if (maxTokens <= 0) {
    throw invalidField('max_tokens', 'max_tokens is required and must be positive');
  }
  const options = { num_predict: maxTokens, ...readSampling(fields) };
  const stream = optionalBoolean(fields, 'stream') ?? false;
  const { request, forced } = constrainTools({ ...conversation, options }, readToolChoice(fields));
  return { model: request.model, stream, request, forced };
}

/** The same request as far as it is prompt; `/v1/messages/count_tokens` takes no max_tokens and no sampling options. */
export function parseAnthropicPrompt(body: unknown): NativeChatRequest {
  const fields = asObject(body);
  return constrainTools(readConversation(fields), readToolChoice(fields)).request;
}

function readConversation(fields: JsonObject): NativeChatRequest {
  const model = requiredModel(fields);
  const given = optionalArray(fields, 'messages') ?? [];
  if (given.length === 0) {
    throw invalidField('messages', 'messages is required');
  }
  const messages = [...readAnthropicSystem(fields), ...readAnthropicMessages(given)];
  if (messages.length === 0) {
    // For Ollama a chat without messages is the order to load the model, which nobody asked for here.
    throw invalidField('messages', 'messages must have content');
  }
  const tools = (optionalArray(fields, 'tools') ?? []).flatMap((tool, index) => readTool(tool, `tools[${index}]`));
  const think = readThink(fields);
  const format = readFormat(fields);
  return {
    model,
    stream: true,
    messages,
    ...(tools.length === 0 ? {} : { tools }),
    ...(think === undefined ? {} : { think }),
    ...(format === undefined ? {} : { format }),
  };
}

function readSampling(fields: JsonObject): Record<string, unknown> {
  const temperature = optionalNumber(fields, 'temperature');
  const topP = optionalNumber(fields, 'top_p');
  const topK = optionalInteger(fields, 'top_k');
  const stop = optionalStringArray(fields, 'stop_sequences') ?? [];
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(topK === undefined ? {} : { top_k: topK }),
    ...(stop.length === 0 ? {} : { stop }),
  };
}

const serverTool = /^(?:web_search|web_fetch|code_execution|mcp)/;
/** It picks tools out of those that are deferred; here all tools are given to the model at once, so there is nothing to pick. */
const toolSearch = /^tool_search/;

function readTool(item: unknown, path: string): readonly NativeTool[] {
  const tool = asObjectAt(item, path);
  const type = optionalString(tool, 'type', `${path}.type`) ?? 'custom';
  if (toolSearch.test(type)) {
    return [];
  }
  if (serverTool.test(type)) {
    // Without the tool the model would make its results up, so leaving it out in silence is no choice.
    throw invalidField(path, `tools that run on Anthropic's servers are not supported: ${type}`);
  }
  const name = requiredString(tool, 'name', `${path}.name`);
  const description = optionalString(tool, 'description', `${path}.description`);
  const parameters = optionalObject(tool, 'input_schema', `${path}.input_schema`);
  return [
    {
      type: 'function',
      function: {
        name,
        ...(description === undefined ? {} : { description }),
        parameters: parameters ?? { type: 'object', properties: {} },
      },
    },
  ];
}

/** Unset thinking stays unset, and models that can think then do, as with Ollama itself. A budget has no native word. */
function readThink(fields: JsonObject): Think | undefined {
  const thinking = optionalObject(fields, 'thinking');
  const type = thinking === undefined ? undefined : requiredString(thinking, 'type', 'thinking.type');
  const effort = readEffort(fields);
  switch (type) {
    case 'enabled':
      return true;
    case 'disabled':
      return false;
    case undefined:
    case 'adaptive':
    case 'between_tools':
      return effort;
    default:
      throw invalidField('thinking.type', "thinking.type must be 'enabled', 'disabled' or 'adaptive'");
  }
}

function readEffort(fields: JsonObject): Think | undefined {
  const config = optionalObject(fields, 'output_config') ?? {};
  const effort = optionalString(config, 'effort', 'output_config.effort') ?? '';
  const wanted = effort.trim().toLowerCase();
  switch (wanted) {
    case 'low':
    case 'medium':
    case 'high':
    case 'max':
      return wanted;
    case 'xhigh':
      return 'high';
    default:
      return undefined;
  }
}

function readFormat(fields: JsonObject): JsonObject | undefined {
  const path = 'output_config.format';
  const format = optionalObject(optionalObject(fields, 'output_config') ?? {}, 'format', path);
  if (format === undefined) {
    return undefined;
  }
  if (format['type'] !== 'json_schema') {
    throw invalidField(`${path}.type`, `${path}.type must be 'json_schema'`);
  }
  return requiredObject(format, 'schema', `${path}.schema`);
}

function readToolChoice(fields: JsonObject): ToolChoice {
  const choice = optionalObject(fields, 'tool_choice');
  switch (choice?.['type']) {
    case undefined:
    case 'auto':
      return { type: 'auto' };
    case 'any':
      return { type: 'required' };
    case 'none':
      return { type: 'none' };
    case 'tool':
      return { type: 'named', name: requiredString(choice ?? {}, 'name', 'tool_choice.name') };
    default:
      throw invalidField('tool_choice.type', "tool_choice.type must be 'auto', 'any', 'tool' or 'none'");
  }
}
