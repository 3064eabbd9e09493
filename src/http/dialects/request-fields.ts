/**
 * Readers for the fields of a request body. `null` counts as absent everywhere, as it does for Ollama; a value of the
 * wrong type is refused with the name of the field, since a client cannot find the fault from "invalid request".
 */
import { DeciError } from '../../kernel/errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function invalidField(param: string, message: string): DeciError {
  return new DeciError('invalid_request', { message, param });
}

/** The body itself; a body that is JSON but no object has no field to name. */
export function asObject(body: unknown): JsonObject {
  if (!isJsonObject(body)) {
    throw new DeciError('invalid_request', { message: 'the request body must be a JSON object' });
  }
  return body;
}

function wrongType(param: string, expected: string): DeciError {
  return invalidField(param, `${param} must be ${expected}`);
}

interface FieldType<T> {
  readonly is: (value: unknown) => value is T;
  readonly expected: string;
}

/** `path` names the field in the message where it lies deeper than the body, for example `messages[2].role`. */
function optional<T>(type: FieldType<T>, object: JsonObject, key: string, path: string): T | undefined {
  const value = object[key];
  if (value === undefined || value === null) {
    return undefined;
  }
  if (!type.is(value)) {
    throw wrongType(path, type.expected);
  }
  return value;
}

const stringType: FieldType<string> = { is: value => typeof value === 'string', expected: 'a string' };
const booleanType: FieldType<boolean> = { is: value => typeof value === 'boolean', expected: 'a boolean' };
const numberType: FieldType<number> = { is: value => typeof value === 'number', expected: 'a number' };
const integerType: FieldType<number> = {
  is: (value): value is number => Number.isSafeInteger(value),
  expected: 'an integer',
};
const objectType: FieldType<JsonObject> = { is: isJsonObject, expected: 'an object' };
const arrayType: FieldType<readonly unknown[]> = { is: value => Array.isArray(value), expected: 'an array' };

export function optionalString(object: JsonObject, key: string, path = key): string | undefined {
  return optional(stringType, object, key, path);
}

export function optionalBoolean(object: JsonObject, key: string, path = key): boolean | undefined {
  return optional(booleanType, object, key, path);
}

export function optionalNumber(object: JsonObject, key: string, path = key): number | undefined {
  return optional(numberType, object, key, path);
}

export function optionalInteger(object: JsonObject, key: string, path = key): number | undefined {
  return optional(integerType, object, key, path);
}

export function optionalObject(object: JsonObject, key: string, path = key): JsonObject | undefined {
  return optional(objectType, object, key, path);
}

export function optionalArray(object: JsonObject, key: string, path = key): readonly unknown[] | undefined {
  return optional(arrayType, object, key, path);
}

export function optionalStringArray(object: JsonObject, key: string, path = key): readonly string[] | undefined {
  return optionalArray(object, key, path)?.map((item, index) => {
    if (typeof item !== 'string') {
      throw wrongType(`${path}[${index}]`, 'a string');
    }
    return item;
  });
}

/** A string is taken for a list of one, as in `stop`. */
export function optionalStringOrArray(object: JsonObject, key: string, path = key): readonly string[] | undefined {
  const value = object[key];
  return typeof value === 'string' ? [value] : optionalStringArray(object, key, path);
}

function required<T>(value: T | undefined, path: string): T {
  if (value === undefined) {
    throw invalidField(path, `${path} is required`);
  }
  return value;
}

export function requiredString(object: JsonObject, key: string, path = key): string {
  return required(optionalString(object, key, path), path);
}

export function requiredInteger(object: JsonObject, key: string, path = key): number {
  return required(optionalInteger(object, key, path), path);
}

export function requiredObject(object: JsonObject, key: string, path = key): JsonObject {
  return required(optionalObject(object, key, path), path);
}

export function requiredArray(object: JsonObject, key: string, path = key): readonly unknown[] {
  return required(optionalArray(object, key, path), path);
}

/** An item of a list that must be an object. */
export function asObjectAt(value: unknown, path: string): JsonObject {
  if (!isJsonObject(value)) {
    throw wrongType(path, 'an object');
  }
  return value;
}

/** The model's name; Ollama refuses an empty one with these words. */
export function requiredModel(body: JsonObject): string {
  const model = optionalString(body, 'model') ?? '';
  if (model === '') {
    throw invalidField('model', 'model is required');
  }
  return model;
}
