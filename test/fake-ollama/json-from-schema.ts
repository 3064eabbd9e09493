/** A small deterministic value that fits a JSON schema; the kinds of schema that clients send, not all of them. */
import { randomFrom, seedOf } from './seeded-random.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Context {
  root: Schema;
  random: () => number;
  depth: number;
}

const MAX_DEPTH = 12;
const WORDS = ['alpha', 'bravo', 'delta', 'echo', 'lima', 'tango'];

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const numberOr = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);

export function jsonFromSchema(schema: unknown, seedText: string): unknown {
  if (!isObject(schema)) return {};
  return valueOf(schema, { root: schema, random: randomFrom(seedOf(seedText)), depth: 0 });
}

function valueOf(schema: Schema, context: Context): unknown {
  const inner = { ...context, depth: context.depth + 1 };
  if (context.depth > MAX_DEPTH) return null;
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return pick(schema['enum'], context);
  const reference = schema['$ref'];
  if (typeof reference === 'string') return valueOf(resolve(reference, context.root), inner);
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) return valueOf(shallowest(choices, context), inner);
  if (Array.isArray(schema['allOf'])) return valueOf(merge(schema, schema['allOf'], context.root), inner);
  return typedValue(schema, inner);
}

function typedValue(schema: Schema, context: Context): unknown {
  const declared = Array.isArray(schema['type']) ? schema['type'].find(type => type !== 'null') : schema['type'];
  const type = declared ?? (isObject(schema['properties']) ? 'object' : 'string');
  switch (type) {
    case 'object':
      return objectValue(schema, context);
    case 'array':
      return arrayValue(schema, context);
    case 'integer':
      return numberValue(schema, context, true);
    case 'number':
      return numberValue(schema, context, false);
    case 'boolean':
      return context.random() < 0.5;
    case 'null':
      return null;
    default:
      return stringValue(schema, context);
  }
}

function pick(values: readonly unknown[], context: Context): unknown {
  return values[Math.floor(context.random() * values.length)] ?? null;
}

/** Near the depth limit a recursive schema must end: then the last choice, by habit the null or the leaf, is taken. */
function shallowest(choices: readonly unknown[], context: Context): Schema {
  const leaf = choices.findLast(choice => isObject(choice) && choice['type'] === 'null');
  const choice = context.depth > MAX_DEPTH / 2 ? (leaf ?? choices.at(-1)) : pick(choices, context);
  return isObject(choice) ? choice : {};
}

function resolve(reference: string, root: Schema): Schema {
  let at: unknown = root;
  for (const part of reference.replace(/^#\/?/, '').split('/')) {
    if (part !== '') at = isObject(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return isObject(at) ? at : {};
}

function merge(schema: Schema, parts: readonly unknown[], root: Schema): Schema {
  const { allOf: _, ...own } = schema;
  const merged: Record<string, unknown> = { ...own };
  for (const part of parts) {
    const found = isObject(part) && typeof part['$ref'] === 'string' ? resolve(part['$ref'], root) : part;
    if (!isObject(found)) continue;
    const properties = { ...asObject(merged['properties']), ...asObject(found['properties']) };
    const required = [...asArray(merged['required']), ...asArray(found['required'])];
    Object.assign(merged, found, { required }, Object.keys(properties).length > 0 ? { properties } : {});
  }
  return merged;
}

const asObject = (value: unknown): Schema => (isObject(value) ? value : {});
const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Required properties always; optional ones too, until the schema nests too deep to go on. */
function objectValue(schema: Schema, context: Context): Record<string, unknown> {
  const required = new Set(asArray(schema['required']));
  const result: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(asObject(schema['properties']))) {
    if (context.depth < MAX_DEPTH / 2 || required.has(name)) result[name] = valueOf(asObject(property), context);
  }
  for (const name of required) {
    if (typeof name === 'string' && !(name in result)) result[name] = stringValue({}, context);
  }
  return result;
}

function arrayValue(schema: Schema, context: Context): unknown[] {
  const least = numberOr(schema['minItems'], 0);
  const most = numberOr(schema['maxItems'], Math.max(least, 3));
  const wanted = context.depth > MAX_DEPTH / 2 ? least : Math.max(least, Math.min(most, 2));
  const prefix = asArray(schema['prefixItems']);
  return Array.from({ length: Math.max(wanted, Math.min(prefix.length, most)) }, (_, index) =>
    valueOf(asObject(prefix[index] ?? schema['items']), context),
  );
}

function numberValue(schema: Schema, context: Context, isInteger: boolean): number {
  const least = numberOr(schema['minimum'], numberOr(schema['exclusiveMinimum'], Number.NaN) + (isInteger ? 1 : 0.5));
  const most = numberOr(schema['maximum'], numberOr(schema['exclusiveMaximum'], Number.NaN) - (isInteger ? 1 : 0.5));
  const low = Number.isNaN(least) ? Math.min(0, Number.isNaN(most) ? 0 : most) : least;
  const high = Number.isNaN(most) ? low + 100 : most;
  const step = numberOr(schema['multipleOf'], isInteger ? 1 : 0.25);
  const value = low + context.random() * Math.max(0, high - low);
  const stepped = Math.ceil(low / step) * step + Math.floor(Math.max(0, value - low) / step) * step;
  return stepped > high ? Math.floor(high / step) * step : stepped;
}

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-31',
  time: '12:34:56Z',
  'date-time': '2026-01-31T12:34:56Z',
  email: 'someone@example.com',
  uri: 'https://example.com/page',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
  ipv4: '192.0.2.1',
};

function stringValue(schema: Schema, context: Context): string {
  const format = schema['format'];
  const formatted = typeof format === 'string' ? FORMATS[format] : undefined;
  if (formatted !== undefined) return formatted;
  let text = String(pick(WORDS, context));
  while (text.length < numberOr(schema['minLength'], 0)) text += ` ${String(pick(WORDS, context))}`;
  return text.slice(0, numberOr(schema['maxLength'], text.length));
}
