/** The bodies of /api/generate and /api/chat, checked and brought into one form. */
import {
  arrayField,
  booleanField,
  goKind,
  isJsonObject,
  type JsonObject,
  lowerKeys,
  numberField,
  objectField,
  stringField,
} from './body-json.ts';
import { parseKeepAliveMs } from './duration.ts';
import type { Options } from './runner-options.ts';
import { WireError } from './wire-error.ts';

export type Think = boolean | string;

export interface InferenceJob {
  kind: 'chat' | 'generate';
  /** As the client spelled it; answers repeat it. */
  model: string;
  stream: boolean;
  /** Nothing to say: the request only loads or unloads the model. */
  isEmpty: boolean;
  keepAliveMs: number | undefined;
  think: Think | undefined;
  options: Options;
  shift: boolean | undefined;
  format: unknown;
  tools: readonly unknown[];
  logprobs: boolean;
  topLogprobs: number;
  /** What the model reads, for the prompt cache, the token count and the seed of the answer. */
  prompt: string;
  lastUserText: string;
  lastRole: string;
  imageBytes: readonly number[];
  hasSuffix: boolean;
  raw: boolean;
  renderOnly: boolean;
}

const THINK_LEVELS = new Set(['high', 'medium', 'low', 'max']);

function thinkField(body: JsonObject): Think | undefined {
  const value = body['think'];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  const allowed = '"high", "medium", "low", "max", true, or false';
  if (typeof value !== 'string') throw new WireError(400, `think must be a boolean or string (${allowed})`);
  if (!THINK_LEVELS.has(value))
    throw new WireError(400, `invalid think value: ${JSON.stringify(value)} (must be ${allowed})`);
  return value;
}

/** Decoded size of base64 text, without decoding what may be many megabytes. */
function base64Bytes(value: unknown): number {
  if (typeof value !== 'string')
    throw new WireError(
      400,
      `json: cannot unmarshal ${goKind(value)} into Go struct field .images of type api.ImageData`,
    );
  const bad = value.search(/[^A-Za-z0-9+/=\r\n]/);
  if (bad >= 0 || value.length % 4 !== 0) {
    throw new WireError(400, `illegal base64 data at input byte ${bad >= 0 ? bad : value.length - (value.length % 4)}`);
  }
  return (value.length / 4) * 3 - (value.endsWith('==') ? 2 : Number(value.endsWith('=')));
}

function commonFields(body: JsonObject) {
  const topLogprobs = numberField(body, 'top_logprobs');
  const options = objectField(body, 'options');
  const fields = {
    model: stringField(body, 'model'),
    stream: booleanField(body, 'stream') ?? true,
    keepAliveMs: parseKeepAliveMs(body['keep_alive']),
    think: thinkField(body),
    options,
    shift: booleanField(body, 'shift'),
    format: body['format'] ?? undefined,
    logprobs: booleanField(body, 'logprobs') ?? false,
    topLogprobs,
    renderOnly: booleanField(body, '_debug_render_only') ?? false,
  };
  if (topLogprobs < 0 || topLogprobs > 20) throw new WireError(400, 'top_logprobs must be between 0 and 20');
  return fields;
}

export function generateJob(body: JsonObject): InferenceJob {
  const common = commonFields(body);
  const prompt = stringField(body, 'prompt');
  const suffix = stringField(body, 'suffix');
  const system = stringField(body, 'system');
  const context = arrayField(body, 'context', '[]int');
  const images = arrayField(body, 'images', '[]api.ImageData');
  const parts = [
    system,
    stringField(body, 'template'),
    context.length > 0 ? context.join(' ') : '',
    prompt,
    suffix,
    ...images,
  ];
  return {
    ...common,
    kind: 'generate',
    isEmpty: prompt === '',
    tools: [],
    prompt: parts.filter(part => part !== '').join('\n'),
    lastUserText: prompt,
    lastRole: 'user',
    imageBytes: images.map(base64Bytes),
    hasSuffix: suffix !== '',
    raw: booleanField(body, 'raw') ?? false,
  };
}

export function rawModeConflict(body: JsonObject): boolean {
  return (
    stringField(body, 'template') !== '' ||
    stringField(body, 'system') !== '' ||
    arrayField(body, 'context', '[]int').length > 0
  );
}

interface Message {
  role: string;
  content: string;
  images: readonly unknown[];
  rest: string;
}

function readMessage(value: unknown): Message {
  if (!isJsonObject(value)) {
    throw new WireError(
      400,
      `json: cannot unmarshal ${goKind(value)} into Go struct field ChatRequest.messages of type api.Message`,
    );
  }
  const message = lowerKeys(value);
  const calls = arrayField(message, 'tool_calls', '[]api.ToolCall');
  for (const call of calls) checkToolCall(call);
  return {
    role: stringField(message, 'role').toLowerCase(),
    content: stringField(message, 'content'),
    images: arrayField(message, 'images', '[]api.ImageData'),
    rest: calls.length > 0 ? JSON.stringify(calls) : '',
  };
}

/** Natively the arguments are an object; a string is what OpenAI would send. */
function checkToolCall(call: unknown): void {
  const target = isJsonObject(call) ? call['function'] : undefined;
  const given = isJsonObject(target) ? target['arguments'] : undefined;
  if (given !== undefined && given !== null && !isJsonObject(given)) {
    throw new WireError(400, "Value looks like object, but can't find closing '}' symbol");
  }
}

export function chatJob(body: JsonObject): InferenceJob {
  const common = commonFields(body);
  const messages = arrayField(body, 'messages', '[]api.Message').map(readMessage);
  const lastUser = messages.findLast(message => message.role === 'user');
  const images = messages.flatMap(message => message.images);
  const lines = messages.map(message => `${message.role}: ${message.content}${message.rest}`);
  return {
    ...common,
    kind: 'chat',
    isEmpty: messages.length === 0,
    tools: arrayField(body, 'tools', 'api.Tools'),
    prompt: [...lines, ...images].join('\n'),
    lastUserText: lastUser?.content ?? '',
    lastRole: messages.at(-1)?.role ?? '',
    imageBytes: images.map(base64Bytes),
    hasSuffix: false,
    raw: false,
  };
}
