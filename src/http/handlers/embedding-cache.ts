/** Recorded embeddings in front of the hosts: the same text of the same model has the same vector, so each is made once. */

import { OneBlock } from '../../cache/one-block.ts';
import type { NewRecording } from '../../cache/response-cache.ts';
import type { SingleFlight } from '../../cache/single-flight.ts';
import type { Asker } from '../../gateway/asker.ts';
import type { AnswerMarks } from '../../gateway/generate.ts';
import { type CacheWishes, noWishes, type RecordedQuestion } from '../../gateway/job.ts';
import type { ReadyRequest } from '../../gateway/model-policy.ts';
import type { CacheDeps } from '../../gateway/pipeline.ts';
import { isWorthStale } from '../../gateway/stale-if-error.ts';
import { Urgency } from '../../gateway/urgency.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { readCacheWishes } from '../cache-wishes.ts';
import type { RequestContext } from '../request-context.ts';
import { noteMarks, tenantOf } from './generation-support.ts';

/** Undefined where the cache is switched off. */
export type EmbeddingCache =
  | (Pick<CacheDeps, 'cache' | 'keyOf' | 'onResult' | 'election'> & {
      readonly vectorFlights: SingleFlight<OneBlock, Urgency>;
    })
  | undefined;

export interface EmbeddingAsked {
  readonly path: '/api/embed' | '/api/embeddings';
  readonly model: string;
  readonly request: JsonObject;
  readonly marks: Pick<AnswerMarks, 'model' | 'adjusted'>;
  readonly wishes: ReadyRequest['wishes'];
  readonly asker: Asker;
  /** See `KeyedRequest`. */
  readonly hosts: ReadyRequest['hosts'];
  readonly owner: string | undefined;
}

/** What has to be made. */
export interface EmbeddingWanted {
  readonly asker: Asker;
  readonly question: RecordedQuestion;
}

/** As it is looked for, and what a client is told of one that was not made as it was asked for. */
export function embeddingAsked(path: EmbeddingAsked['path'], ready: ReadyRequest, asker: Asker): EmbeddingAsked {
  const { model, request, wishes, rename, adjusted, hosts, isShared } = ready;
  const marks = { model: rename === undefined ? undefined : model, adjusted };
  return { path, model, request, wishes, hosts, owner: isShared ? undefined : asker.owner, asker, marks };
}

/**
 * @param make the answer, in the form in which it is kept; for all who ask the same meanwhile
 * @throws what `make` throws, unless an old answer may be given instead
 */
export async function cachedEmbedding(
  context: RequestContext,
  deps: EmbeddingCache,
  asked: EmbeddingAsked,
  make: (wanted: EmbeddingWanted, signal: AbortSignal) => Promise<Buffer>,
): Promise<Buffer> {
  const wishes = asked.wishes(readCacheWishes(context.req.headers)) ?? noWishes;
  const question = questionOf(context, asked, wishes);
  const found = deps === undefined || wishes.noStore ? undefined : deps.keyOf(question);
  if (deps === undefined || found === undefined) {
    const made = await make({ asker: asked.asker, question }, context.signal);
    tell(context, deps, { ...asked.marks, cache: 'bypass' });
    return made;
  }
  const { cache } = deps;
  const { key: cacheKey } = found;
  const hit = cache.fresh(cacheKey, wishes.ttlMs);
  if (hit !== undefined) {
    tell(context, deps, { ...asked.marks, cache: 'hit', cacheKey });
    return hit.lines;
  }
  const about = cache.begin(asked.model, tenantOf(context), wishes.tags);
  try {
    const { answer, isOwn } = await share(
      deps,
      { key: cacheKey, ttlMs: wishes.ttlMs, about, wanted: { asker: asked.asker, question }, make },
      context.signal,
    );
    tell(context, deps, { ...asked.marks, cache: isOwn ? 'miss' : 'coalesced', cacheKey });
    return answer;
  } catch (thrown) {
    const mayBeStale = !wishes.refuseDegraded && isWorthStale(thrown, context.signal);
    const stale = mayBeStale ? cache.stale(cacheKey) : undefined;
    if (stale === undefined) throw thrown;
    tell(context, deps, { ...asked.marks, cache: 'stale', degraded: 'stale', cacheKey });
    return stale.lines;
  }
}

interface Wanted {
  readonly key: string;
  readonly ttlMs: number | undefined;
  readonly about: NewRecording;
  readonly wanted: EmbeddingWanted;
  readonly make: (wanted: EmbeddingWanted, signal: AbortSignal) => Promise<Buffer>;
}

/** Made once for all who want it now, in all workers, for as long as one of them is there. */
async function share(
  { cache, election, vectorFlights }: NonNullable<EmbeddingCache>,
  { key, ttlMs, about, wanted, make }: Wanted,
  signal: AbortSignal,
): Promise<{ readonly answer: Buffer; readonly isOwn: boolean }> {
  let resign = (): void => undefined;
  const { asker } = wanted;
  const urgency = new Urgency(asker.priority);
  const joined = vectorFlights.join(key, signal, {
    lead: urgency,
    open: async unread => {
      const outcome = await election.elect(key, { look: () => cache.freshShared(key, ttlMs) }, urgency, unread);
      if ('found' in outcome) return new OneBlock(outcome.found.lines, true);
      ({ resign } = outcome);
      if (unread.aborted) resign();
      unread.throwIfAborted();
      const made = await make({ ...wanted, asker: { ...asker, urgency } }, unread);
      // Before the lead is given back: the others look for the record first.
      cache.record(key, made, about, 'now');
      return new OneBlock(made, false);
    },
    onOver: () => resign(),
  });
  const { reader, isFirst, lead } = joined;
  if (!isFirst) lead.raise(asker.priority);
  const source = await reader.opened();
  const parts = await Array.fromAsync(reader);
  return { answer: Buffer.concat(parts), isOwn: isFirst && !source.isRecorded };
}

function questionOf(context: RequestContext, asked: EmbeddingAsked, wishes: CacheWishes): RecordedQuestion {
  const { path, model, request, hosts, owner } = asked;
  return { path, model, request, hosts, owner, tenant: tenantOf(context), body: context.body, wishes };
}

function tell(context: RequestContext, deps: EmbeddingCache, marks: AnswerMarks): void {
  noteMarks(context, marks);
  deps?.onResult(marks.cache);
}
