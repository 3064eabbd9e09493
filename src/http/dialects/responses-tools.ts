/** The tools and the tool choice of the Responses API. They are flat here, where chat completions nest them in `function`. */
import type { NativeTool } from '../../gateway/native-request.ts';
import {
  asObjectAt,
  invalidField,
  isJsonObject,
  type JsonObject,
  optionalArray,
  optionalObject,
  optionalString,
  requiredArray,
  requiredString,
} from './request-fields.ts';
import { parseOpenAiToolChoice, type ToolChoice } from './tool-choice.ts';

export interface ResponsesToolChoice {
  readonly choice: ToolChoice;
  /** The only tools that may be called, where the client named some. */
  readonly allowed: readonly string[] | undefined;
}

export function readResponsesTools(body: JsonObject): readonly NativeTool[] {
  return readTools(optionalArray(body, 'tools') ?? [], 'tools', '');
}

/**
 * Tools that OpenAI runs itself (web search, file search, …) are not offered to the model. They are not refused, because
 * clients such as Codex send some with every request and work well without them.
 */
function readTools(tools: readonly unknown[], path: string, prefix: string): readonly NativeTool[] {
  return tools.flatMap((item, index) => {
    const toolPath = `${path}[${index}]`;
    const tool = asObjectAt(item, toolPath);
    switch (requiredString(tool, 'type', `${toolPath}.type`)) {
      case 'function':
      case 'custom':
        return [readFunction(tool, toolPath, prefix)];
      case 'namespace': {
        const name = optionalString(tool, 'name', `${toolPath}.name`) ?? '';
        const members = optionalArray(tool, 'tools', `${toolPath}.tools`) ?? [];
        return readTools(members, `${toolPath}.tools`, name === '' ? prefix : qualified(prefix, `${name}.`));
      }
      default:
        return [];
    }
  });
}

function readFunction(tool: JsonObject, path: string, prefix: string): NativeTool {
  const name = requiredString(tool, 'name', `${path}.name`);
  const description = optionalString(tool, 'description', `${path}.description`);
  const parameters = optionalObject(tool, 'parameters', `${path}.parameters`);
  return {
    type: 'function',
    function: {
      name: qualified(prefix, name),
      ...(description === undefined ? {} : { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  };
}

/** Members of a namespace may already carry its name. */
function qualified(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

export function readResponsesToolChoice(body: JsonObject): ResponsesToolChoice {
  const value = body['tool_choice'];
  if (!isJsonObject(value)) {
    return { choice: parseOpenAiToolChoice(value), allowed: undefined };
  }
  switch (value['type']) {
    case 'function':
      return {
        choice: { type: 'named', name: requiredString(value, 'name', 'tool_choice.name') },
        allowed: undefined,
      };
    case 'allowed_tools': {
      const tools = requiredArray(value, 'tools', 'tool_choice.tools');
      const allowed = tools.flatMap(tool =>
        isJsonObject(tool) && typeof tool['name'] === 'string' ? [tool['name']] : [],
      );
      return { choice: parseOpenAiToolChoice(value['mode']), allowed };
    }
    default:
      throw invalidField(
        'tool_choice',
        "tool_choice must be 'none', 'auto', 'required', {type: 'function', name} or {type: 'allowed_tools', mode, tools}",
      );
  }
}
