/** Which models a request is for, and what is sent to each: a name in, jobs out. */
import { type JsonObject, parseObject, parseObjectExactly } from '../kernel/json.ts';
import { type ChainStep, chainOf, type FindVirtual } from '../ollama/fallback-chain.ts';
import { durationMs } from '../ollama/keep-alive.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { CacheScope, VirtualModel } from '../ollama/virtual-model.ts';
import { type CacheWishes, type GenerationJob, noWishes } from './job.ts';
import { type AskedRequest, type Protection, type ShapedRequest, shapeRequest } from './shape-request.ts';

export interface ModelPolicy {
  readonly find: FindVirtual;
  readonly protection: Protection;
  /** What is said when nothing better can be; undefined where nothing is to be made up. */
  readonly fallbackText?: string | undefined;
  /** Who shares recorded answers, where a virtual model does not say it. */
  readonly cacheScope: CacheScope;
}

/** A request that is ready to be sent. */
export interface ReadyRequest extends ShapedRequest {
  readonly model: string;
  readonly hosts: readonly string[] | undefined;
  readonly retry: VirtualModel['retry'] | undefined;
  /** Whether all keys of the tenant share its answers. */
  readonly isShared: boolean;
  /** The name that answers must carry; undefined where they carry it by themselves. */
  readonly rename: string | undefined;
  /** What holds of records for it, where a client wishes this. */
  readonly wishes: (asked: CacheWishes | undefined) => CacheWishes | undefined;
}

/** For what has no fallbacks: a vector of another model is of no use to whoever asked for one of this. */
export function readyRequest(policy: ModelPolicy, name: string, asked: AskedRequest): ReadyRequest {
  const virtual = policy.find(name);
  const step = { model: virtual?.base ?? name, virtual };
  const shaped = shapeRequest(asked, step, policy.protection);
  return {
    ...shaped,
    ...routeOf(step),
    model: step.model,
    isShared: isShared(policy, virtual),
    rename: virtual === undefined ? undefined : name,
    wishes: asking => wishesFor(asking, virtual),
  };
}

export function stepsOf({ find }: ModelPolicy, { model }: GenerationJob): readonly ChainStep[] {
  return chainOf(model, find);
}

/** @throws DeciError what `shapeRequest` throws */
export function readyJob(
  policy: ModelPolicy,
  job: GenerationJob,
  step: ChainStep,
): { readonly job: GenerationJob; readonly adjusted: readonly string[] } {
  const isFallback = step.model !== job.model && step.virtual === undefined;
  const given = job.request ?? parseObject(job.body.toString());
  // What is no JSON is refused by Ollama, in its own words.
  if (given === undefined) return { job, adjusted: [] };
  const asked = { path: job.path, mayManage: job.mayManage === true, implied: job.implied };
  const first = shapeRequest({ ...asked, request: given, body: job.body }, step, policy.protection);
  const owner = isShared(policy, step.virtual) ? undefined : job.owner;
  if (!first.isChanged && !isFallback) return { job: owner === job.owner ? job : { ...job, owner }, adjusted: [] };
  // It is written anew: only now it matters that every digit of it is there.
  const { request, adjusted } = shapeRequest({ ...asked, request: exactly(job, given) }, step, policy.protection);
  const whole = { ...request, model: step.model };
  const wishes = wishesFor(job.wishes, step.virtual);
  return {
    job: {
      ...job,
      ...routeOf(step),
      ...(job.hosts === undefined ? {} : { hosts: job.hosts }),
      model: step.model,
      owner,
      body: JSON.stringify(whole),
      request: whole,
      wishes,
    },
    adjusted,
  };
}

function isShared({ cacheScope }: ModelPolicy, virtual: VirtualModel | undefined): boolean {
  return (virtual?.cache.scope ?? cacheScope) === 'tenant';
}

function routeOf({ virtual }: ChainStep): Pick<ReadyRequest, 'hosts' | 'retry'> {
  const hosts = virtual?.hosts ?? [];
  return { hosts: hosts.length === 0 ? undefined : hosts, retry: virtual?.retry };
}

/** Behind the first object of a body there may be anything, and then the parsed one is all there is. */
function exactly({ body }: GenerationJob, given: JsonObject): JsonObject {
  return parseObjectExactly(body.toString()) ?? given;
}

/** What a client says of records itself holds, except that what is never to be kept is never kept. */
function wishesFor(asked: CacheWishes | undefined, virtual: VirtualModel | undefined): CacheWishes | undefined {
  if (virtual === undefined) return asked;
  const wishes = asked ?? noWishes;
  const { policy, ttl } = virtual.cache;
  return {
    ...wishes,
    noStore: wishes.noStore || policy === 'never',
    allow: wishes.allow || policy === 'always',
    ttlMs: ttl === null ? undefined : durationMs(ttl),
    tags: [...wishes.tags, `virtual:${modelKey(virtual.name)}`],
  };
}
