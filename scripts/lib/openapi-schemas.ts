/** The schemas of the routes as JSON Schema. Every one that a route names has an id, and is a component under it. */
import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

const place = '#/components/schemas/';

/** @throws Error when the schema has no id: then it would have no stable, readable name */
export function componentOf(schema: z.ZodType): JsonSchema {
  const id = z.globalRegistry.get(schema)?.id;
  if (id === undefined) throw new Error(`a schema of a route has no id: ${JSON.stringify(z.toJSONSchema(schema))}`);
  return { $ref: place + id };
}

/** All components that the paths need, themselves and through others, by name. */
export function componentSchemas(paths: object): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { io: 'input', uri: id => place + id });
  const needed = new Map<string, JsonSchema>();
  const pending = referencesIn(paths);
  for (const name of pending) {
    if (needed.has(name)) continue;
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`there is no schema ${name}`);
    const plain = withoutNoise(schema);
    needed.set(name, plain);
    pending.push(...referencesIn(plain));
  }
  return Object.fromEntries([...needed].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The members of a query as parameters. */
export function queryMembers(query: z.ZodObject): object[] {
  const { properties, required = [] } = z.toJSONSchema(query, { io: 'input' });
  if (properties === undefined) throw new Error('a query is told member by member and has no id');
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = withoutNoise(typeof property === 'boolean' ? {} : property);
    return { name, in: 'query', required: required.includes(name), description, schema };
  });
}

function referencesIn(value: object): string[] {
  const found = JSON.stringify(value).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
  return [...found].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** What zod writes and nobody needs to read: the draft, its own ids, the range of safe integers, names that are texts. */
function withoutNoise(schema: object): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key === '$schema' || key === '$id') return undefined;
    if (key === 'propertyNames') return undefined;
    return Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER && /imum$/i.test(key) ? undefined : value;
  }) as JsonSchema;
}
