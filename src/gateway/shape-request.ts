/**
 * What is sent to a host for what a client asked: the virtual model's own words where the client said nothing, and what one
 * client must not do to all others taken back. Pure. Whatever of the client's own request is changed is named.
 */
import { DeciError } from '../kernel/errors.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import { foldedName, lastHolds, repeatsMember } from '../kernel/json-members.ts';
import type { ChainStep } from '../ollama/fallback-chain.ts';
import { clampedKeepAlive, durationMs, type KeepAliveLimits } from '../ollama/keep-alive.ts';
import { normaliseRunnerOptions } from '../ollama/runner-options.ts';
import type { RunnerPolicy, VirtualModel } from '../ollama/virtual-model.ts';

export interface Protection {
  readonly runnerOptions: RunnerPolicy;
  /** In tokens. */
  readonly maxContext: number;
  readonly keepAlive: KeepAliveLimits;
}

export interface AskedRequest {
  readonly path: string;
  /** Native, as the client or a dialect wrote it; names of members in any case. */
  readonly request: JsonObject;
  /** The text that the request was parsed from, where a client wrote it and it is what would be sent. */
  readonly body?: Buffer | string | undefined;
  readonly mayManage: boolean;
  /** Options of it that nobody asked for: a virtual model's own hold before them. */
  readonly implied?: readonly string[] | undefined;
}

export interface ShapedRequest {
  readonly request: JsonObject;
  /** Whether it is another one than was asked. */
  readonly isChanged: boolean;
  /** What of the client's own was changed, as `name=value`. */
  readonly adjusted: readonly string[];
}

/** Where the question stands; a request without one only loads or unloads its model. */
const questions: Readonly<Record<string, string>> = { '/api/chat': 'messages', '/api/generate': 'prompt' };
const readNames: ReadonlySet<string> = new Set([
  'model',
  'options',
  'keep_alive',
  'system',
  'messages',
  'prompt',
  'raw',
  'format',
]);

/** @throws DeciError `role_too_low` for unloading a model that others may use */
export function shapeRequest(
  asked: AskedRequest,
  { model, virtual }: ChainStep,
  protection: Protection,
): ShapedRequest {
  if (virtual === undefined && !mentionsRunner(asked.request)) {
    return { request: asked.request, isChanged: false, adjusted: [] };
  }
  const request = withReadNames(asked.request);
  const adjusted = [
    ...shapeOptions(request, { ...asked, virtual }, protection),
    ...shapeKeepAlive(request, { ...asked, virtual, limits: protection.keepAlive }),
  ];
  if (virtual !== undefined) {
    request['model'] = model;
    addSystem(request, asked.path, virtual);
  }
  const isRespelled = Object.keys(request).length !== Object.keys(asked.request).length;
  const isChanged = virtual !== undefined || isRespelled || adjusted.length > 0 || isAmbiguous(asked, protection);
  return { request, isChanged, adjusted };
}

/** Whether the host would read other options in it than were looked at here. */
function isAmbiguous({ body }: AskedRequest, { runnerOptions }: Protection): boolean {
  return body !== undefined && runnerOptions !== 'keep' && repeatsMember(body.toString(), lastHolds);
}

function onlyLoads(path: string, request: JsonObject): boolean {
  const name = questions[path];
  if (name === undefined) return false;
  const question = request[name];
  return !(typeof question === 'string' || Array.isArray(question)) || question.length === 0;
}

/** Whether something else than an answer in words is wanted: one that has a form, or only the loading of the model. */
export function wantsNoText(path: string, asked: JsonObject): boolean {
  const request = withReadNames(asked);
  return (request['format'] ?? '') !== '' || onlyLoads(path, request);
}

function mentionsRunner(request: JsonObject): boolean {
  for (const key in request) {
    if (key.length !== 7 && key.length !== 10) continue;
    const name = foldedName(key);
    if (name === 'options' || name === 'keep_alive') return true;
  }
  return false;
}

/** A copy with the names that are read here in their own spelling; of two spellings the last holds, as in Go, and options add up. */
function withReadNames(request: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const [spelled, value] of Object.entries(request)) {
    const folded = foldedName(spelled);
    const name = readNames.has(folded) ? folded : spelled;
    const before = copy[name];
    copy[name] = name === 'options' && isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return copy;
}

function shapeOptions(
  request: JsonObject,
  { virtual, mayManage, implied = [] }: AskedRequest & { readonly virtual: VirtualModel | undefined },
  { runnerOptions: usual, maxContext }: Protection,
): readonly string[] {
  const asked = request['options'] ?? {};
  // What is no object is refused by Ollama, in its own words.
  if (!isObject(asked)) return [];
  const policy = virtual?.runner_options ?? usual;
  const own = virtual?.options ?? {};
  const said = Object.fromEntries(
    Object.entries(asked).filter(([name]) => !(implied.includes(name) && Object.hasOwn(own, name))),
  );
  const { options, changes } = normaliseRunnerOptions(said, own, { policy, maxContext, mayManage });
  if (Object.keys(options).length > 0) request['options'] = options;
  else delete request['options'];
  return changes;
}

interface AskedKeepAlive extends AskedRequest {
  readonly virtual: VirtualModel | undefined;
  readonly limits: KeepAliveLimits;
}

function shapeKeepAlive(shaped: JsonObject, { path, mayManage, virtual, limits }: AskedKeepAlive): readonly string[] {
  const asked = shaped['keep_alive'] ?? undefined;
  if (asked === undefined) {
    const own = virtual?.keep_alive ?? undefined;
    if (own !== undefined) shaped['keep_alive'] = own;
    return [];
  }
  if (mayManage) return [];
  if (durationMs(asked) === 0 && onlyLoads(path, shaped)) {
    throw new DeciError('role_too_low', {
      message:
        'unloading a model needs the role admin: send the key in data/admin-key, or start with DECI_LOCAL_ROLE=admin',
    });
  }
  const seconds = clampedKeepAlive(asked, limits);
  if (seconds === undefined) return [];
  shaped['keep_alive'] = seconds;
  return [`keep_alive=${seconds}s`];
}

/** Not into a request that only loads, and not into a raw prompt, which has no place for it. */
function addSystem(request: JsonObject, path: string, { system, system_policy: policy }: VirtualModel): void {
  if (system === null || questions[path] === undefined || onlyLoads(path, request)) return;
  const always = policy === 'always';
  if (path === '/api/chat') addSystemMessage(request, system, always);
  else if (request['raw'] !== true) addSystemText(request, system, always);
}

function addSystemMessage(request: JsonObject, system: string, always: boolean): void {
  const { messages } = request;
  if (!Array.isArray(messages)) return;
  const hasOwn = messages.some(message => isObject(message) && message['role'] === 'system');
  if (!always && hasOwn) return;
  request['messages'] = [{ role: 'system', content: system }, ...(messages as unknown[])];
}

function addSystemText(request: JsonObject, system: string, always: boolean): void {
  const own = typeof request['system'] === 'string' ? request['system'] : '';
  if (own === '') request['system'] = system;
  else if (always) request['system'] = `${system}\n\n${own}`;
}
