/** The OpenAPI document: the route table says which operations there are, the schemas what goes in and out. */
import type { RouteInfo } from '../../src/http/request-context.ts';
import type { RouteRow } from '../../src/http/route-rows.ts';
import { errorAnswers } from '../../src/http/schemas/error-answers.ts';
import type { Answer, Operation } from '../../src/http/schemas/operation.ts';
import { operationOf } from '../../src/http/schemas/operations.ts';
import { componentOf, componentSchemas, queryMembers } from './openapi-schemas.ts';

export interface DocumentOptions {
  readonly rows: readonly RouteRow[];
  readonly version: string;
  /** What the limit of a kind of body is called and is. */
  readonly bodyLimits: Readonly<Record<RouteInfo['body'], string>>;
}

/** @throws Error when a row has no schema entry */
export function openApiDocument({ rows, version, bodyLimits }: DocumentOptions): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const row of rows) {
    const operation = operationOf(row.method, row.path);
    if (operation === undefined) throw new Error(`${row.method} ${row.path} has no entry in src/http/schemas`);
    const path = (paths[templateOf(row.path)] ??= {});
    path[row.method.toLowerCase()] = operationObject(row, operation, bodyLimits[row.body]);
  }
  const responses = errorResponses(rows);
  return {
    openapi: '3.1.1',
    info: { title: 'Deci', version, description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    tags: [...new Set(rows.flatMap(row => operationOf(row.method, row.path)?.tags ?? []))].map(name => ({ name })),
    paths,
    components: { schemas: componentSchemas({ paths, responses }), responses, headers, securitySchemes },
  };
}

const description =
  "A self-healing backend in front of Ollama. It speaks Ollama's, OpenAI's and Anthropic's APIs; what it adds is its own. " +
  "On routes of Ollama's, the content type of a request does not matter and names of members may be in any case. " +
  'Unknown paths answer 404 and other methods 405, as plain text.';

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A key of ours: `deci_` and 64 hexadecimal digits.' },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
    description: 'The same, as clients of Anthropic send it.',
  },
};

const headers = {
  'X-Request-Id': { description: 'Names the request in our log; a client may give it.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'How to send a key.', schema: { type: 'string' } },
};

/** `/:name` and `/*name` are both `{name}` here; the latter may hold slashes and says so. */
function templateOf(path: string): string {
  return path.replace(/[:*](\w+)/g, '{$1}');
}

function operationObject(row: RouteRow, operation: Operation, bodyLimit: string): object {
  const { summary, description: text, tags, request } = operation;
  return {
    operationId: operationId(row),
    summary,
    ...(text === undefined ? {} : { description: text }),
    tags,
    ...parametersMember(row, operation),
    ...(request === undefined ? {} : { requestBody: requestBody(request) }),
    responses: responsesObject(row, operation),
    security: securityOf(row),
    'x-deci-role': row.role,
    'x-deci-rate-class': row.rate,
    'x-deci-body-limit': bodyLimit,
    'x-deci-time': row.time,
  };
}

/** `POST /v1/chat/completions` is `postV1ChatCompletions`, `GET /` is `getRoot`. */
function operationId({ method, path }: RouteRow): string {
  const words = path === '/' ? ['root'] : path.split(/\W+|_/).filter(word => word !== '');
  return method.toLowerCase() + words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function parametersMember({ path }: RouteRow, { params = {}, query }: Operation): object {
  const inPath = [...path.matchAll(/([:*])(\w+)/g)].map(([, kind, name = '']) => {
    const param = params[name];
    if (param === undefined) throw new Error(`${path}: {${name}} is not described`);
    const place = { name, in: 'path', required: true, 'x-deci-slashes': kind === '*' || undefined };
    return Object.assign(place, param, { schema: { type: 'string' } });
  });
  const inQuery = query === undefined ? [] : queryMembers(query);
  const all = [...inPath, ...inQuery];
  return all.length === 0 ? {} : { parameters: all };
}

function requestBody({
  contentType = 'application/json',
  required = true,
  schema,
  examples,
}: NonNullable<Operation['request']>): object {
  const named = Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));
  return { required, content: { [contentType]: { schema: componentOf(schema), examples: named } } };
}

function responsesObject(row: RouteRow, operation: Operation): Record<string, object> {
  const errors = Object.keys(errorAnswers(row)).map((status): [string, object] => [
    status,
    { $ref: `#/components/responses/${errorName(row, status)}` },
  ]);
  const own = Object.entries(operation.responses).map(([status, answer]): [string, object] => [
    status,
    responseObject(status, row.method === 'HEAD' ? { ...answer, content: {} } : answer),
  ]);
  return Object.fromEntries([...errors, ...own]);
}

/** Errors differ by dialect and status alone, so that they are written down once. */
function errorResponses(rows: readonly RouteRow[]): Record<string, object> {
  return Object.fromEntries(
    rows.flatMap(row =>
      Object.entries(errorAnswers(row)).map(([status, answer]) => [
        errorName(row, status),
        responseObject(status, answer),
      ]),
    ),
  );
}

function errorName({ dialect }: RouteRow, status: string): string {
  return `${dialect}-${status}`;
}

function responseObject(status: string, { description: text, content }: Answer): object {
  const names = ['X-Request-Id', ...(moreHeaders[status] ?? [])];
  const types = Object.entries(content).map(([type, schema]) => [type, { schema: componentOf(schema) }]);
  return {
    description: text,
    headers: Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }])),
    ...(types.length === 0 ? {} : { content: Object.fromEntries(types) as object }),
  };
}

const moreHeaders: Readonly<Record<string, readonly string[]>> = { 401: ['WWW-Authenticate'], 503: ['Retry-After'] };

/** Without a key a caller is what `DECI_LOCAL_ROLE` says: by default that is enough for all but administration. */
function securityOf({ role }: RouteRow): object[] {
  if (role === 'public') return [];
  const keys = [{ bearer: [] }, { apiKey: [] }];
  return role === 'viewer' || role === 'executor' ? [...keys, {}] : keys;
}
