/**
 * A request body as Ollama's own server reads it: whatever its content type, keys in any case, and nothing behind the
 * first JSON value counts.
 */
import { DeciError } from '../kernel/errors.ts';
import { isObject, type JsonObject, parseObject } from '../kernel/json.ts';
import { foldedName } from '../kernel/json-members.ts';

/** @throws DeciError `missing_body` or `malformed_json` */
export function parseJsonBody(body: Buffer): JsonObject {
  return readJsonBody(body).value;
}

/** The object, and the text that is exactly it: some numbers in it are more than JavaScript can hold. */
export function readJsonBody(body: Buffer): { value: JsonObject; text: string } {
  const { value, text } = readFirstValue(body.toString('utf8'));
  if (!isObject(value))
    throw new DeciError('malformed_json', { message: `expected a JSON object, got ${kindOf(value)}` });
  return { value, text };
}

/** The same object with one more member, given as JSON. Of two members of one name the last holds, here as in Go. */
export function withMember(text: string, member: string): string {
  const inside = text.slice(0, text.lastIndexOf('}')).trimEnd();
  return `${inside}${inside.endsWith('{') ? '' : ','}${member}}`;
}

function readFirstValue(text: string): { value: unknown; text: string } {
  try {
    return { value: JSON.parse(text), text };
  } catch (error) {
    if (text.trim() === '') throw new DeciError('missing_body');
    const message = error instanceof Error ? error.message : 'not valid JSON';
    const first = text.slice(0, endOfFirstObject(text) ?? 0);
    const value = parseObject(first);
    if (value === undefined) throw new DeciError('malformed_json', { message });
    return { value, text: first };
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
  if (keys.every(key => known.has(key) || !known.has(foldedName(key)))) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [known.has(foldedName(key)) ? foldedName(key) : key, value]),
  );
}
