/**
 * OpenAI chat messages as native ones. Like Ollama, it makes every content part a message of its own; unlike Ollama, it keeps
 * the reasoning and the tool's name when the content comes in parts.
 */
import type { ToolCall } from '../../gateway/generation.ts';
import type { NativeMessage } from '../../gateway/native-request.ts';
import { cleanBase64, imageFromUrl } from './image-url.ts';
import { readToolCalls } from './openai-tools.ts';
import {
  asObjectAt,
  invalidField,
  isJsonObject,
  type JsonObject,
  optionalArray,
  optionalString,
  requiredString,
} from './request-fields.ts';

interface SourceMessage {
  readonly path: string;
  readonly role: string;
  readonly content: unknown;
  readonly reasoning: string;
  readonly name: string;
  readonly toolCallId: string;
  readonly toolCalls: readonly ToolCall[] | undefined;
}

/** The part of a native message that comes from the content. */
type Body = Pick<NativeMessage, 'content' | 'images'>;

function readMessage(value: unknown, index: number): SourceMessage {
  const path = `messages[${index}]`;
  const message = asObjectAt(value, path);
  return {
    path,
    role: requiredString(message, 'role', `${path}.role`),
    content: message['content'],
    reasoning: optionalString(message, 'reasoning', `${path}.reasoning`) ?? '',
    name: optionalString(message, 'name', `${path}.name`) ?? '',
    toolCallId: optionalString(message, 'tool_call_id', `${path}.tool_call_id`) ?? '',
    toolCalls: readToolCalls(message, path),
  };
}

function imagePart(part: JsonObject, path: string): Body {
  const given = part['image_url'];
  const url = isJsonObject(given) ? given['url'] : given;
  if (typeof url !== 'string') {
    throw invalidField(path, 'invalid message format');
  }
  return { content: '', images: [imageFromUrl(url, path)] };
}

function audioPart(part: JsonObject, path: string): Body {
  const given = part['input_audio'];
  if (!isJsonObject(given)) {
    throw invalidField(path, 'invalid input_audio format');
  }
  if (typeof given['data'] !== 'string') {
    throw invalidField(path, 'invalid input_audio format: missing data');
  }
  const audio = cleanBase64(given['data']);
  if (audio === undefined) {
    throw invalidField(path, 'invalid input_audio base64 data');
  }
  return { content: '', images: [audio] };
}

function partBody(value: unknown, path: string): Body {
  const part = isJsonObject(value) ? value : {};
  if (part['type'] === 'image_url') {
    return imagePart(part, path);
  }
  if (part['type'] === 'input_audio') {
    return audioPart(part, path);
  }
  if (part['type'] === 'text' && typeof part['text'] === 'string') {
    return { content: part['text'] };
  }
  throw invalidField(path, 'invalid message format');
}

/** The type of a value in the words Ollama's clients know from its refusals. */
function goTypeName(value: unknown): string {
  const names: Readonly<Record<string, string>> = {
    number: 'float64',
    boolean: 'bool',
    object: 'map[string]interface {}',
  };
  return value === null || value === undefined ? '<nil>' : (names[typeof value] ?? typeof value);
}

function contentBodies(message: SourceMessage): readonly Body[] {
  const { content, path } = message;
  if (typeof content === 'string') {
    return [{ content }];
  }
  if (Array.isArray(content)) {
    const bodies = content.map((part, index) => partBody(part, `${path}.content[${index}]`));
    // Without this, the calls of a message with an empty list of parts would have nowhere to go.
    return bodies.length === 0 && message.toolCalls !== undefined ? [{ content: '' }] : bodies;
  }
  if (message.toolCalls === undefined) {
    throw invalidField(`${path}.content`, `invalid message content type: ${goTypeName(content)}`);
  }
  return [{ content: '' }];
}

/** The last message with this id decides, since clients do repeat ids. */
function toolNames(messages: readonly SourceMessage[]): ReadonlyMap<string, string> {
  const calls = messages.flatMap(message => (message.toolCalls ?? []).toReversed());
  return new Map(calls.flatMap(call => (call.id === undefined ? [] : [[call.id, call.function.name]])));
}

function toolNameOf(message: SourceMessage, names: ReadonlyMap<string, string>): string {
  if (message.role.toLowerCase() !== 'tool') {
    return '';
  }
  return message.name === '' ? (names.get(message.toolCallId) ?? '') : message.name;
}

function nativeMessages(message: SourceMessage, names: ReadonlyMap<string, string>): readonly NativeMessage[] {
  const { role, reasoning, toolCallId, toolCalls = [] } = message;
  const toolName = toolNameOf(message, names);
  const everywhere = {
    ...(toolName === '' ? {} : { tool_name: toolName }),
    ...(toolCallId === '' ? {} : { tool_call_id: toolCallId }),
  };
  const onTheLast = {
    ...(reasoning === '' ? {} : { thinking: reasoning }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
  };
  const bodies = contentBodies(message);
  return bodies.map((body, index) =>
    Object.assign({ role }, body, index === bodies.length - 1 ? onTheLast : {}, everywhere),
  );
}

export function readOpenAiMessages(body: JsonObject): readonly NativeMessage[] {
  const messages = (optionalArray(body, 'messages') ?? []).map(readMessage);
  if (messages.length === 0) {
    throw invalidField('messages', "[] is too short - 'messages'");
  }
  const names = toolNames(messages);
  return messages.flatMap(message => nativeMessages(message, names));
}
