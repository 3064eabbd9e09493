/**
 * Under which key an answer is kept: pure. The tenant stands first, so that no two tenants ever share one; then the model and
 * everything of the request that can change the answer. What only says how it travels (`stream`, `keep_alive`, the dialect)
 * is left out, so that the same question gets the same answer whoever asks it in whatever words.
 */
import { hash } from 'node:crypto';
import { isObject, type JsonObject, parseObject } from '../kernel/json.ts';
import { foldedName, lastHolds, repeatsMember } from '../kernel/json-members.ts';

export interface KeyedRequest {
  readonly tenant: string;
  /** Whose answer it is within the tenant, where others of it may not be given it. */
  readonly owner?: string | undefined;
  readonly path: string;
  readonly model: string;
  readonly body: Buffer | string;
  /** The body, where somebody has parsed it already. */
  readonly request?: JsonObject | undefined;
  /** Tells apart answers that are wanted several times for one request. */
  readonly variant?: number | undefined;
  /** Names of the hosts that may answer, in any order; all when absent. One name may be other weights elsewhere. */
  readonly hosts?: readonly string[] | undefined;
}

export interface RequestKey {
  readonly key: string;
  /** The same request has the same answer. */
  readonly deterministic: boolean;
}

/** Where the question stands; without one, a request only loads or unloads its model. */
const questions: Readonly<Record<string, string>> = {
  '/api/chat': 'messages',
  '/api/generate': 'prompt',
  '/api/embed': 'input',
  '/api/embeddings': 'prompt',
};
const maxDepth = 200;

/** @returns undefined when no answer may be kept for such a request */
export function requestKey(asked: KeyedRequest): RequestKey | undefined {
  const { path } = asked;
  const members = memberMap(asked.request ?? parseObject(asked.body.toString()));
  if (members === undefined || !asksSomething(members.get(questions[path] ?? ''))) return undefined;
  // Of two options of one name the model server may have put both together.
  if (repeatsMember(asked.body.toString(), lastHolds)) return undefined;
  let all = headOf(asked);
  for (const name of [...members.keys()].toSorted()) {
    const text = memberText(path, name, members.get(name));
    if (mayBeInexact.test(text) && isInexact(members.get(name), 0)) return undefined;
    // A name is quoted and a value is whole JSON: where one ends and the next begins is never in doubt.
    all += `${JSON.stringify(name)}:${text},`;
  }
  const deterministic = path.includes('/embed') || isDeterministic(members.get('options'));
  return { key: hash('sha256', all, 'base64url'), deterministic };
}

/** Whose answer it is, and where it may be from. */
function headOf({ tenant, owner, path, model, variant = 0, hosts }: KeyedRequest): string {
  const where = hosts === undefined ? [] : [[...new Set(hosts)].toSorted()];
  return JSON.stringify([owner === undefined ? tenant : [tenant, owner], model, path, variant, ...where]);
}

/** Ollama reads names in any case. Of two spellings it would take one or mix both; such a request is not worth a guess. */
function memberMap(request: JsonObject | undefined): Map<string, unknown> | undefined {
  if (request === undefined) return undefined;
  const members = new Map<string, unknown>();
  for (const [spelled, value] of Object.entries(request)) {
    const name = foldedName(spelled);
    if (lastHolds.has(name)) continue;
    if (members.has(name)) return undefined;
    if (!saysNothing(name, value)) members.set(name, value);
  }
  return members;
}

function saysNothing(name: string, value: unknown): boolean {
  if (value === null) return true;
  return name === 'options' && isObject(value) && Object.keys(value).length === 0;
}

function asksSomething(question: unknown): boolean {
  return (typeof question === 'string' || Array.isArray(question)) && question.length > 0;
}

/**
 * Only the order of options says nothing: that of a schema is the order in which a model fills it in. One text to embed is a
 * list of one.
 */
function memberText(path: string, name: string, value: unknown): string {
  if (path === '/api/embed' && name === 'input' && typeof value === 'string') return JSON.stringify([value]);
  if (name !== 'options' || !isObject(value)) return JSON.stringify(value);
  return JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Temperature 0 takes the likeliest token each time; a seed fixes the dice. A negative seed is a new one each time. */
function isDeterministic(options: unknown): boolean {
  if (!isObject(options)) return false;
  const { temperature, seed } = options;
  return temperature === 0 || (typeof seed === 'number' && seed >= 0);
}

/** A number as JSON writes it when it is too long to be sure of. */
const mayBeInexact = /\d{16}|\de\+/;

/** Two numbers that the model server tells apart may be one in JavaScript, and must not lead to one key. */
function isInexact(value: unknown, depth: number): boolean {
  if (depth > maxDepth) return true;
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(inner => isInexact(inner, depth + 1));
}
