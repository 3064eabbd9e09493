/** Holds answers of a server against docs/reference/openapi.json. Validators are compiled when first needed, and kept. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

export interface SentRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
}

export interface GivenAnswer extends SentRequest {
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
}

interface Reference {
  readonly $ref: string;
}

interface Content {
  readonly schema: Reference;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface ResponseObject {
  readonly content?: Readonly<Record<string, Content>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly example?: string;
  readonly 'x-deci-slashes'?: boolean;
}

export interface OperationObject {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>;
}

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
  };
}

export class OpenApiCheck {
  readonly document: OpenApiDocument;
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #patterns: ReadonlyArray<{ readonly regex: RegExp; readonly path: string }>;
  #checked = 0;

  constructor() {
    const file = new URL('../../docs/reference/openapi.json', import.meta.url);
    this.document = JSON.parse(readFileSync(file, 'utf8')) as OpenApiDocument;
    this.#ajv.addSchema({ $id: 'openapi', components: this.document.components });
    this.#patterns = Object.entries(this.document.paths).map(([path, byMethod]) => ({
      regex: regexOf(path, byMethod),
      path,
    }));
  }

  /** Answers that were held against the document and agreed with it. */
  get checked(): number {
    return this.#checked;
  }

  /** @throws Error with the operation, the place and the value, when the document does not foresee this answer */
  checkAnswer(answer: GivenAnswer): void {
    const operation = this.#operation(answer.method, answer.path);
    if (operation === undefined) checkStranger(answer);
    else this.#checkBody(this.#response(operation, answer), answer);
    this.#checked += 1;
  }

  /** @throws Error when the document does not let clients send this body; one that is not JSON as a whole is not looked at */
  checkRequest({ method, path }: SentRequest, text: string): void {
    const content = this.#operation(method, path)?.requestBody?.content['application/json'];
    const body = parsedOrNothing(text);
    if (content === undefined || body === undefined) return;
    // Names of members may be in any case on the routes of Ollama's, which schemas cannot say.
    const named = path.startsWith('/api/') ? withLowerCaseNames(body) : body;
    this.checkValue(named, content.schema, `the request ${method} ${path}`);
  }

  /** @throws Error with the place and the value, when the value is not what the schema says */
  checkValue(value: unknown, schema: Reference, place: string): void {
    const validate = this.#validator(schema.$ref);
    if (validate(value)) return;
    const complaints = (validate.errors ?? []).slice(0, 6).map(error => `${error.instancePath} ${error.message}`);
    const excerpt = JSON.stringify(value)?.slice(0, 400);
    throw new Error(`${place} is no ${schema.$ref.split('/').at(-1)}: ${complaints.join('; ')}: ${excerpt}`);
  }

  #validator(ref: string): ValidateFunction {
    const known = this.#validators.get(ref);
    if (known !== undefined) return known;
    const made = this.#ajv.compile({ $ref: `openapi${ref}` });
    this.#validators.set(ref, made);
    return made;
  }

  #operation(method: string, path: string): OperationObject | undefined {
    const template = path in this.document.paths ? path : this.#patterns.find(({ regex }) => regex.test(path))?.path;
    return template === undefined ? undefined : this.document.paths[template]?.[method.toLowerCase()];
  }

  #response({ responses }: OperationObject, answer: GivenAnswer): ResponseObject {
    const found = responses[answer.status] ?? (answer.status >= 400 ? responses['default'] : undefined);
    if (found === undefined) throw new Error(`${nameOf(answer)}: the document foresees no such status`);
    if (!('$ref' in found)) return found;
    const shared = this.document.components.responses[found.$ref.split('/').at(-1) ?? ''];
    if (shared === undefined) throw new Error(`the document has no ${found.$ref}`);
    return shared;
  }

  #checkBody({ content = {} }: ResponseObject, answer: GivenAnswer): void {
    const { method, status, contentType, text } = answer;
    const name = nameOf(answer);
    if (method === 'HEAD' || Object.keys(content).length === 0) {
      if (text !== '') throw new Error(`${name}: a body where there is to be none: ${text.slice(0, 400)}`);
      return;
    }
    // A Host or an Origin that is not allowed gets no words.
    if (status === 403 && contentType === null && text === '') return;
    const type = mediaType(contentType ?? '');
    const schema = Object.entries(content).find(([foreseen]) => mediaType(foreseen) === type)?.[1].schema;
    if (schema === undefined)
      throw new Error(`${name}: the document foresees no '${contentType}': ${text.slice(0, 400)}`);
    for (const [place, value] of valuesOf(type, text, name)) this.checkValue(value, schema, place);
  }
}

function regexOf(path: string, byMethod: Readonly<Record<string, OperationObject>>): RegExp {
  const slashes = Object.values(byMethod).some(({ parameters = [] }) => parameters.some(one => one['x-deci-slashes']));
  const source = path.replace(/[.+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, slashes ? '.+' : '[^/]+');
  return new RegExp(`^${source}$`);
}

/** Without its parameters. */
function mediaType(contentType: string): string {
  return contentType.split(';')[0]?.trim() ?? '';
}

function nameOf({ method, path, status }: GivenAnswer): string {
  return `${method} ${path} -> ${status}`;
}

/** What is not in the document is not there. */
function checkStranger(answer: GivenAnswer): void {
  const { method, status, contentType, text } = answer;
  const missing = (status === 404 || status === 405) && contentType === 'text/plain';
  const barred = status === 403 && text === '';
  const asked = method === 'OPTIONS' && status === 204;
  if (!missing && !barred && !asked)
    throw new Error(`${nameOf(answer)}: there is no such operation: ${text.slice(0, 400)}`);
}

/** The values in a body, each with its place: one of JSON and of text, one a line or an event of a stream. */
function valuesOf(type: string, text: string, name: string): Array<[place: string, value: unknown]> {
  switch (type) {
    case 'text/plain':
    case 'application/octet-stream':
      return [[name, text]];
    case 'application/x-ndjson': {
      if (!text.endsWith('\n')) throw new Error(`${name}: the last line has no end`);
      const lines = text.slice(0, -1).split('\n');
      return lines.map((line, index) => parsed(line, `${name}, line ${index + 1}`));
    }
    case 'text/event-stream':
      return eventsOf(text, name).map((data, index) => parsed(data, `${name}, event ${index + 1}`));
    default:
      return [parsed(text, name)];
  }
}

function eventsOf(text: string, name: string): string[] {
  const blocks = text.split('\n\n').map(block => block.split('\n').filter(row => row !== '' && !row.startsWith(':')));
  const data = blocks.flatMap(rows => rows.flatMap(row => (row.startsWith('data: ') ? [row.slice(6)] : [])));
  const odd = blocks.flat().find(row => !/^(?:data|event): /.test(row));
  if (odd !== undefined) throw new Error(`${name}: no line of an event: ${odd.slice(0, 400)}`);
  // OpenAI's mark of the end is no JSON; Anthropic's streams, and the one of responses, have none.
  const marked = data.at(-1) === '[DONE]' && /completions /.test(name);
  return marked ? data.slice(0, -1) : data;
}

function parsed(text: string, place: string): [place: string, value: unknown] {
  try {
    return [place, JSON.parse(text)];
  } catch {
    throw new Error(`${place} is no JSON: ${text.slice(0, 400)}`);
  }
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Down to the members of messages and their calls; what lies deeper is the client's own, and may lie very deep. */
function withLowerCaseNames(value: unknown, depth = 6): unknown {
  if (depth === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(item => withLowerCaseNames(item, depth - 1));
  const members = Object.entries(value).map(([name, member]) => [
    name.toLowerCase(),
    withLowerCaseNames(member, depth - 1),
  ]);
  return Object.fromEntries(members);
}
