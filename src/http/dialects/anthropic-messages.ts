/**
 * The system prompt and the messages of Anthropic's API as native messages. Anthropic keeps a turn's text, images, tool
 * calls and tool results in one list of blocks; Ollama wants one message for the turn and one more for every tool result.
 */
import type { ToolCall } from '../../gateway/generation.ts';
import type { NativeMessage } from '../../gateway/native-request.ts';
import { type AnthropicContent, readContentBlock, textOf } from './anthropic-content.ts';
import {
  asObjectAt,
  invalidField,
  type JsonObject,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalString,
  requiredString,
} from './request-fields.ts';

/** What the blocks of one turn have added up to so far. */
interface Turn extends AnthropicContent {
  thinking: string;
  readonly toolCalls: ToolCall[];
  readonly toolResults: NativeMessage[];
}

export function readAnthropicSystem(body: JsonObject): readonly NativeMessage[] {
  const system = body['system'];
  const content =
    typeof system === 'string'
      ? system
      : (optionalArray(body, 'system') ?? [])
          .map((item, index) => textOf(asObjectAt(item, `system[${index}]`), `system[${index}]`))
          .join('');
  return content === '' ? [] : [{ role: 'system', content }];
}

export function readAnthropicMessages(messages: readonly unknown[]): readonly NativeMessage[] {
  // A result names its call only by id, while many templates want the name of the tool.
  const toolNames = new Map<string, string>();
  return messages.flatMap((item, index) => {
    const path = `messages[${index}]`;
    const message = asObjectAt(item, path);
    const role = requiredString(message, 'role', `${path}.role`).toLowerCase();
    if (role !== 'user' && role !== 'assistant' && role !== 'system') {
      throw invalidField(`${path}.role`, `${path}.role must be 'user' or 'assistant'`);
    }
    return messagesOf(role, readTurn(message, path, toolNames));
  });
}

/** Results come first in a user's turn: they answer the calls of the turn before, and the text is said after them. */
function messagesOf(role: string, turn: Turn): readonly NativeMessage[] {
  const { text, thinking, images, toolCalls, toolResults } = turn;
  if (text === '' && thinking === '' && images.length === 0 && toolCalls.length === 0) {
    return toolResults;
  }
  const message: NativeMessage = {
    role,
    content: text,
    ...(thinking === '' ? {} : { thinking }),
    ...(images.length === 0 ? {} : { images }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
  };
  return role === 'user' ? [...toolResults, message] : [message, ...toolResults];
}

function readTurn(message: JsonObject, path: string, toolNames: Map<string, string>): Turn {
  const turn: Turn = { text: '', thinking: '', images: [], toolCalls: [], toolResults: [] };
  const content = message['content'];
  if (typeof content === 'string') {
    turn.text = content;
    return turn;
  }
  if (!Array.isArray(content)) {
    throw invalidField(`${path}.content`, `${path}.content must be a string or an array`);
  }
  for (const [index, item] of content.entries()) {
    const blockPath = `${path}.content[${index}]`;
    readBlock(turn, asObjectAt(item, blockPath), blockPath, toolNames);
  }
  return turn;
}

/** Kinds that are not known here are left out, as Ollama does: clients send back blocks of newer servers. */
function readBlock(turn: Turn, block: JsonObject, path: string, toolNames: Map<string, string>): void {
  switch (block['type']) {
    case 'tool_use': {
      const call = readToolUse(block, path);
      toolNames.set(call.id, call.function.name);
      turn.toolCalls.push(call);
      return;
    }
    case 'tool_result':
      turn.toolResults.push(readToolResult(block, path, toolNames));
      return;
    case 'thinking':
      turn.thinking += optionalString(block, 'thinking', `${path}.thinking`) ?? '';
      return;
    default:
      readContentBlock(turn, block, path);
  }
}

function readToolUse(block: JsonObject, path: string): ToolCall & { readonly id: string } {
  const id = optionalString(block, 'id', `${path}.id`) ?? '';
  const name = optionalString(block, 'name', `${path}.name`) ?? '';
  if (id === '' || name === '') {
    const missing = id === '' ? 'id' : 'name';
    throw invalidField(`${path}.${missing}`, `tool_use block missing required '${missing}' field`);
  }
  return { id, function: { name, arguments: optionalObject(block, 'input', `${path}.input`) ?? {} } };
}

function readToolResult(block: JsonObject, path: string, toolNames: ReadonlyMap<string, string>): NativeMessage {
  const id = requiredString(block, 'tool_use_id', `${path}.tool_use_id`);
  const result: AnthropicContent = { text: '', images: [] };
  if (typeof block['content'] === 'string') {
    result.text = block['content'];
  } else {
    for (const [index, item] of (optionalArray(block, 'content', `${path}.content`) ?? []).entries()) {
      const itemPath = `${path}.content[${index}]`;
      readContentBlock(result, asObjectAt(item, itemPath), itemPath);
    }
  }
  const failed = optionalBoolean(block, 'is_error', `${path}.is_error`) ?? false;
  const toolName = toolNames.get(id);
  return {
    role: 'tool',
    content: failed ? asFailure(result.text) : result.text,
    ...(result.images.length === 0 ? {} : { images: result.images }),
    ...(toolName === undefined ? {} : { tool_name: toolName }),
    tool_call_id: id,
  };
}

/** Native messages have no mark for a result that is an error, so the text has to say it. */
function asFailure(text: string): string {
  return /^error/i.test(text) ? text : `Error: ${text}`;
}
