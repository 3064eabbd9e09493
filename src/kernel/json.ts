/** Reading JSON that somebody else wrote. */

export type JsonObject = Record<string, unknown>;

/** The object in a text; `undefined` when the text is not JSON or not an object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A number that JavaScript may not hold to its last digit, as it stands in JSON. */
const longNumber = /\d{16}|\d[eE][+-]?\d/;

/**
 * As `parseObject`, for a text that is to be written again: numbers that JavaScript would change stay as they were written,
 * as what `JSON.rawJSON` makes.
 */
export function parseObjectExactly(text: string): JsonObject | undefined {
  if (!longNumber.test(text)) return parseObject(text);
  try {
    const value: unknown = exact.parse(text, keepDigits);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What the types of the language do not have yet. */
interface ExactJson {
  parse(text: string, reviver: typeof keepDigits): unknown;
  rawJSON(text: string): unknown;
}

const exact = JSON as unknown as ExactJson;

function keepDigits(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined || String(value) === source) return value;
  return exact.rawJSON(source);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
