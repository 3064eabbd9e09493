/** Tools and tool calls of OpenAI requests in Ollama's native words. */
import type { ToolCall } from '../../gateway/generation.ts';
import type { NativeTool } from '../../gateway/native-request.ts';
import {
  asObjectAt,
  invalidField,
  isJsonObject,
  type JsonObject,
  optionalArray,
  optionalObject,
  optionalString,
  requiredObject,
  requiredString,
} from './request-fields.ts';

function readTool(value: unknown, path: string): NativeTool {
  const tool = asObjectAt(value, path);
  const given = requiredObject(tool, 'function', `${path}.function`);
  const description = optionalString(given, 'description', `${path}.function.description`);
  const parameters = optionalObject(given, 'parameters', `${path}.function.parameters`);
  return {
    type: optionalString(tool, 'type', `${path}.type`) ?? 'function',
    function: {
      name: requiredString(given, 'name', `${path}.function.name`),
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  };
}

export function readOpenAiTools(body: JsonObject): readonly NativeTool[] {
  return (optionalArray(body, 'tools') ?? []).map((tool, index) => readTool(tool, `tools[${index}]`));
}

function parseArguments(text: unknown, path: string): JsonObject {
  let value: unknown;
  try {
    value = typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    value = undefined;
  }
  if (!isJsonObject(value)) {
    throw invalidField(path, 'invalid tool call arguments');
  }
  return value;
}

function readToolCall(value: unknown, path: string): ToolCall {
  const call = asObjectAt(value, path);
  const given = requiredObject(call, 'function', `${path}.function`);
  const id = optionalString(call, 'id', `${path}.id`) ?? '';
  return {
    ...(id === '' ? {} : { id }),
    function: {
      name: optionalString(given, 'name', `${path}.function.name`) ?? '',
      arguments: parseArguments(given['arguments'], `${path}.function.arguments`),
    },
  };
}

/** `undefined` where the message has no list of calls, which differs from an empty one: only a list excuses missing content. */
export function readToolCalls(message: JsonObject, path: string): readonly ToolCall[] | undefined {
  const calls = optionalArray(message, 'tool_calls', `${path}.tool_calls`);
  return calls?.map((call, index) => readToolCall(call, `${path}.tool_calls[${index}]`));
}
