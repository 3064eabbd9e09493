/**
 * A request body as Ollama's own server reads it: whatever its content type, keys in any case, and nothing behind the
 * first JSON value counts.
 */
import { DeciError } from '../kernel/errors.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';

/** @throws DeciError `missing_body` or `malformed_json` */
export function parseJsonBody(body: Buffer): JsonObject {
  const text = body.toString('utf8');
  const value = parseFirstValue(text);
  if (!isObject(value))
    throw new DeciError('malformed_json', { message: `expected a JSON object, got ${kindOf(value)}` });
  return value;
}

function parseFirstValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (text.trim() === '') throw new DeciError('missing_body');
    const end = endOfFirstObject(text);
    const message = error instanceof Error ? error.message : 'not valid JSON';
    if (end === undefined) throw new DeciError('malformed_json', { message });
    try {
      return JSON.parse(text.slice(0, end));
    } catch {
      throw new DeciError('malformed_json', { message });
    }
  }
}

/** Where the first object closes, if anything stands behind it. */
function endOfFirstObject(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return i + 1;
  }
  return undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

/**
 * Gives known keys their own spelling: Go matches keys in any case, and so do clients written against it.
 * The same object comes back when nothing had to change, so that its bytes may be relayed as they came.
 */
export function withCanonicalKeys(body: JsonObject, known: ReadonlySet<string>): JsonObject {
  const keys = Object.keys(body);
  if (keys.every(key => known.has(key) || !known.has(key.toLowerCase()))) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [known.has(key.toLowerCase()) ? key.toLowerCase() : key, value]),
  );
}
