/** Request bodies read as Go reads them: any content type, the first JSON value only, keys in any case. */
import type { IncomingMessage } from 'node:http';
import { missingBody, WireError } from './wire-error.ts';

export type JsonObject = Record<string, unknown>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The whole body, or undefined when the client broke off while sending it. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => resolve(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)));
    request.on('close', () => resolve(undefined));
    request.on('error', () => resolve(undefined));
  });
}

export function parseJson(text: string): JsonObject {
  if (text.trim() === '') throw missingBody();
  const value = parseFirstValue(text);
  if (value === null) return {};
  if (!isJsonObject(value))
    throw new WireError(400, `json: cannot unmarshal ${goKind(value)} into Go value of type api.Request`);
  return lowerKeys(value);
}

function parseFirstValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const end = endOfFirstValue(text);
    if (end !== undefined && end < text.trimEnd().length) return parseFirstValue(text.slice(0, end));
    throw new WireError(400, end === undefined ? 'unexpected EOF' : syntaxText(text, error));
  }
}

/** Where the first object or array is closed; the whole text for anything else; undefined when it never is. */
function endOfFirstValue(text: string): number | undefined {
  if (!/^\s*[[{]/.test(text)) return text.length;
  let depth = 0;
  for (const { 0: found, index } of text.matchAll(/"(?:\\.|[^"\\])*"|[[\]{}]/gs)) {
    if (found === '{' || found === '[') depth++;
    else if (found === '}' || found === ']') depth--;
    if (depth === 0) return index + 1;
  }
  return undefined;
}

function syntaxText(text: string, error: unknown): string {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  const char = text[Number(position ?? 0)] ?? text.trim()[0] ?? ' ';
  return `invalid character '${char}' looking for beginning of value`;
}

export function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

/** `{"Model": …}` is `{"model": …}`; values, and with them options and schemas, stay as they are. */
export function lowerKeys(value: JsonObject): JsonObject {
  const keys = Object.keys(value);
  if (keys.every(key => key === key.toLowerCase())) return value;
  return Object.fromEntries(keys.map(key => [key.toLowerCase(), value[key]]));
}

const GO_TYPES = {
  string: 'string',
  boolean: 'bool',
  number: 'int',
  array: '[]string',
  object: 'map[string]interface {}',
};

function wrongField(name: string, value: unknown, type: string): WireError {
  return new WireError(400, `json: cannot unmarshal ${goKind(value)} into Go struct field .${name} of type ${type}`);
}

export function stringField(body: JsonObject, name: string): string {
  const value = body[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw wrongField(name, value, GO_TYPES.string);
  return value;
}

export function booleanField(body: JsonObject, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongField(name, value, GO_TYPES.boolean);
  return value;
}

export function numberField(body: JsonObject, name: string): number {
  const value = body[name];
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number') throw wrongField(name, value, GO_TYPES.number);
  return value;
}

export function arrayField(body: JsonObject, name: string, goType: string): readonly unknown[] {
  const value = body[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrongField(name, value, goType);
  return value;
}

export function objectField(body: JsonObject, name: string): JsonObject {
  const value = body[name];
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw wrongField(name, value, GO_TYPES.object);
  return value;
}
