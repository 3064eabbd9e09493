/**
 * The input of the Responses API as native messages. Its items are finer than messages: reasoning, each call and each
 * text of one turn are items of their own, which have to become one assistant message again.
 */
import type { ToolCall } from '../../gateway/generation.ts';
import type { NativeMessage } from '../../gateway/native-request.ts';
import {
  asObjectAt,
  invalidField,
  isJsonObject,
  type JsonObject,
  optionalArray,
  optionalString,
  requiredString,
} from './request-fields.ts';
import { readContent } from './responses-content.ts';

interface Conversation {
  readonly messages: NativeMessage[];
  /** Reasoning that waits for the message or call which it led to. */
  thinking: string;
  /** An output names its call only by id, while many templates want the name of the tool. */
  readonly toolNames: Map<string, string>;
}

export function readResponsesInput(body: JsonObject): readonly NativeMessage[] {
  const input = body['input'];
  if (typeof input === 'string') {
    return [{ role: 'user', content: input }];
  }
  if (!Array.isArray(input)) {
    throw invalidField('input', 'input must be a string or an array');
  }
  const conversation: Conversation = { messages: [], thinking: '', toolNames: new Map() };
  const items = input.map((item, index) => asObjectAt(item, `input[${index}]`));
  for (const [index, item] of items.entries()) {
    readItem(conversation, item, `input[${index}]`, items[index + 1]);
  }
  if (conversation.thinking !== '') {
    conversation.messages.push({ role: 'assistant', content: '', ...takeThinking(conversation) });
  }
  return conversation.messages;
}

function readItem(conversation: Conversation, item: JsonObject, path: string, next: JsonObject | undefined): void {
  const type = item['type'] ?? (item['role'] === undefined ? undefined : 'message');
  switch (type) {
    case 'message':
      readMessage(conversation, item, path, next);
      return;
    case 'reasoning':
      conversation.thinking = readReasoning(item, path);
      return;
    case 'function_call':
      addCall(conversation, readCall(item, path));
      return;
    case 'function_call_output':
      conversation.messages.push(readCallOutput(conversation, item, path));
      return;
    case 'web_search_call':
      // What the search found stands in the message after it.
      return;
    case 'item_reference':
      throw invalidField(path, 'item references are not supported: responses are not stored, send the item itself');
    case undefined:
      throw invalidField(path, "input item missing required 'type' field");
    default:
      throw invalidField(path, `unknown input item type: ${JSON.stringify(type)}`);
  }
}

function readMessage(conversation: Conversation, item: JsonObject, path: string, next: JsonObject | undefined): void {
  const role = roleOf(requiredString(item, 'role', `${path}.role`), `${path}.role`);
  const content = readContent(item, 'content', path);
  const last = conversation.messages.at(-1);
  if (role === 'assistant' && last !== undefined && isBetweenCallAndOutput(last, next)) {
    // Text of the turn that made the call: its result has to follow the call at once.
    conversation.messages[conversation.messages.length - 1] = {
      ...last,
      ...takeThinking(conversation),
      content: [last.content, content.text].filter(text => text !== '').join('\n'),
    };
    return;
  }
  conversation.messages.push({
    role,
    content: content.text,
    ...(role === 'assistant' ? takeThinking(conversation) : {}),
    ...(content.images.length === 0 ? {} : { images: content.images }),
  });
}

/** Few templates know the role `developer`, and one that does not drops the message; `system` means the same. */
function roleOf(role: string, path: string): string {
  switch (role) {
    case 'developer':
      return 'system';
    case 'user':
    case 'assistant':
    case 'system':
      return role;
    default:
      throw invalidField(path, `${path} must be 'user', 'assistant', 'system' or 'developer'`);
  }
}

function isBetweenCallAndOutput(last: NativeMessage, next: JsonObject | undefined): boolean {
  return next?.['type'] === 'function_call_output' && (last.tool_calls ?? []).some(call => call.id === next['call_id']);
}

function addCall(conversation: Conversation, call: ToolCall & { readonly id: string }): void {
  conversation.toolNames.set(call.id, call.function.name);
  const last = conversation.messages.at(-1);
  if (last?.role !== 'assistant') {
    conversation.messages.push({ role: 'assistant', content: '', ...takeThinking(conversation), tool_calls: [call] });
    return;
  }
  conversation.messages[conversation.messages.length - 1] = {
    ...last,
    ...takeThinking(conversation),
    tool_calls: [...(last.tool_calls ?? []), call],
  };
}

function takeThinking(conversation: Conversation): { readonly thinking?: string } {
  const { thinking } = conversation;
  conversation.thinking = '';
  return thinking === '' ? {} : { thinking };
}

/** The summary of our own answers is the whole thinking; `encrypted_content` repeats it, but is sealed in others'. */
function readReasoning(item: JsonObject, path: string): string {
  const summary = (optionalArray(item, 'summary', `${path}.summary`) ?? [])
    .map(part => (isJsonObject(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('');
  return summary === '' ? (optionalString(item, 'encrypted_content', `${path}.encrypted_content`) ?? '') : summary;
}

function readCall(item: JsonObject, path: string): ToolCall & { readonly id: string } {
  const text = optionalString(item, 'arguments', `${path}.arguments`) ?? '';
  return {
    id: requiredString(item, 'call_id', `${path}.call_id`),
    function: {
      name: requiredString(item, 'name', `${path}.name`),
      arguments: text === '' ? {} : parseArguments(text, `${path}.arguments`),
    },
  };
}

function parseArguments(text: string, path: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isJsonObject(value)) {
    throw invalidField(path, `failed to parse function call arguments: ${path} must be the JSON text of an object`);
  }
  return value;
}

function readCallOutput(conversation: Conversation, item: JsonObject, path: string): NativeMessage {
  const id = requiredString(item, 'call_id', `${path}.call_id`);
  const output = readContent(item, 'output', path);
  const toolName = conversation.toolNames.get(id);
  return {
    role: 'tool',
    content: output.text,
    ...(output.images.length === 0 ? {} : { images: output.images }),
    ...(toolName === undefined ? {} : { tool_name: toolName }),
    tool_call_id: id,
  };
}
