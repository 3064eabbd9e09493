/**
 * Recorded answers in front of the hosts. A question whose answer cannot differ, or whose client takes a recorded one, is
 * answered from the record, or shares the answer that is under way; every other answer is only recorded, for the time when
 * no host can answer. Nobody is given what another tenant's request has made.
 */
import type { Outcome, Ways } from '../../cache/flight-election.ts';
import type { Recording } from '../../cache/recording.ts';
import type { Renewal } from '../../cache/refresh-ahead.ts';
import type { KeyedRequest, RequestKey } from '../../cache/request-key.ts';
import type { NewRecording, ResponseCache } from '../../cache/response-cache.ts';
import type { SingleFlight } from '../../cache/single-flight.ts';
import { DeciError } from '../../kernel/errors.ts';
import { wholeOf } from '../collect.ts';
import type { AnswerMarks, CacheResult, Generate, NativeStream } from '../generate.ts';
import { type GenerationJob, noWishes, type RecordedQuestion } from '../job.ts';
import { isWorthStale } from '../stale-if-error.ts';
import { Urgency } from '../urgency.ts';
import {
  BegunAnswer,
  FollowedAnswer,
  isRecordable,
  RecordedAnswer,
  ReplayedAnswer,
  SharedAnswer,
} from './cached/answers.ts';

export interface CacheDeps {
  readonly cache: Pick<
    ResponseCache,
    'fresh' | 'freshShared' | 'stale' | 'hasRecent' | 'record' | 'begin' | 'hold' | 'letGo'
  >;
  readonly flights: SingleFlight<NativeStream, Urgency>;
  readonly election: {
    elect<Found, Joined = never>(
      key: string,
      ways: Ways<Found, Joined>,
      urgency: Urgency,
      signal: AbortSignal,
    ): Promise<Outcome<Found, Joined>>;
  };
  /** Reads along with the worker at that address. @throws when it makes no such answer, or has not begun */
  readonly follow?: (address: string, key: string, signal: AbortSignal) => Promise<NativeStream>;
  /** Undefined for a request of which no answer may be kept. */
  readonly keyOf: (request: KeyedRequest) => RequestKey | undefined;
  readonly onResult: (result: CacheResult) => void;
  /** Makes answers anew that will soon be too old; absent where that is switched off. */
  readonly refresh?:
    | {
        isDue(hit: Recording, ttlMs?: number): boolean;
        run(renewal: Renewal): Promise<boolean>;
      }
    | undefined;
}

const bypassed: AnswerMarks = { cache: 'bypass' };

/** @param deps undefined where the cache is switched off */
export function createCached(deps: CacheDeps | undefined, next: Generate): Generate {
  if (deps === undefined) return async (job, signal) => new BegunAnswer(await next(job, signal), bypassed);
  const { cache, keyOf, onResult } = deps;
  return async (job, signal) => {
    const { noStore, allow, ttlMs } = job.wishes ?? noWishes;
    const found = noStore ? undefined : keyOf(job);
    if (found === undefined) {
      const stream = await next(job, signal);
      onResult('bypass');
      return new BegunAnswer(stream, bypassed);
    }
    const { key, deterministic } = found;
    const shareable = deterministic || allow;
    const hit = shareable ? cache.fresh(key, ttlMs) : undefined;
    if (hit !== undefined) {
      refreshAhead(deps, next, { job, key }, hit);
      onResult('hit');
      return new ReplayedAnswer(hit, { cache: 'hit', cacheKey: key });
    }
    try {
      const asked = { job, key };
      const stream = await (shareable ? share(deps, next, asked, signal) : recorded(deps, next, asked, signal));
      onResult(stream.marks.cache);
      return stream;
    } catch (thrown) {
      return oldInstead(deps, { job, key }, thrown, signal);
    }
  };
}

/** @throws what was thrown, where there is no old answer or it is none of its cases */
function oldInstead({ cache, onResult }: CacheDeps, { job, key }: Asked, thrown: unknown, signal: AbortSignal) {
  const mayBeOld = job.wishes?.refuseDegraded !== true && isWorthStale(thrown, signal);
  const stale = mayBeOld ? cache.stale(key) : undefined;
  if (stale === undefined) throw thrown;
  onResult('stale');
  return new ReplayedAnswer(stale, { cache: 'stale', degraded: 'stale', cacheKey: key });
}

/** Whether an old answer could be given if this one cannot be had: a look, for whoever decides how long to try. */
export function hasOldAnswer({ cache, keyOf }: CacheDeps, question: RecordedQuestion): boolean {
  const asked = question.insteadOf ?? question;
  const { noStore, refuseDegraded } = asked.wishes ?? noWishes;
  if (noStore || refuseDegraded) return false;
  const found = keyOf(asked);
  return found !== undefined && cache.stale(found.key) !== undefined;
}

/** What was once answered to this, for a time when nothing better can be had; marked as what it is. */
export function staleAnswer(deps: CacheDeps | undefined, job: GenerationJob): NativeStream | undefined {
  const found = deps === undefined || job.wishes?.noStore === true ? undefined : deps.keyOf(job);
  const stale = found === undefined ? undefined : deps?.cache.stale(found.key);
  if (found === undefined || stale === undefined) return undefined;
  deps?.onResult('stale');
  return new ReplayedAnswer(stale, { cache: 'stale', degraded: 'stale', cacheKey: found.key });
}

interface Asked {
  readonly job: GenerationJob;
  readonly key: string;
}

async function recorded(
  { cache }: CacheDeps,
  next: Generate,
  { job, key }: Asked,
  signal: AbortSignal,
): Promise<BegunAnswer> {
  const about = begin(cache, job);
  const marks: AnswerMarks = { cache: 'bypass', cacheKey: key };
  const stream = await next(job, signal);
  const answer = new BegunAnswer(stream, marks);
  if (stream.single || cache.hasRecent(key)) return await answer.begin();
  if (stream.blocks !== undefined) {
    if (isRecordable(stream)) cache.record(key, Buffer.concat(stream.blocks), about, 'soon');
    return answer;
  }
  const keeper = {
    hold: (bytes: number) => cache.hold(bytes),
    letGo: (bytes: number) => cache.letGo(bytes),
    keep: (lines: Buffer) => cache.record(key, lines, about, 'soon'),
  };
  return await new RecordedAnswer(stream, marks, keeper, signal).begin();
}

async function share(deps: CacheDeps, next: Generate, { job, key }: Asked, signal: AbortSignal): Promise<SharedAnswer> {
  const { cache, election, flights } = deps;
  const about = begin(cache, job);
  let lead: NativeStream | undefined;
  let resign = (): void => undefined;
  // An answer that is wanted whole is made again when it breaks in the middle, a stream is not: neither joins the other here,
  // but waits for its record like those of other workers.
  const flight = job.gathered === true ? `${key} whole` : key;
  const { asker } = job;
  const urgency = new Urgency(asker.priority);
  const joined = flights.join(flight, signal, {
    lead: urgency,
    open: async unread => {
      const outcome = await election.elect(key, waysOf(deps, { job, key }), urgency, unread);
      if ('found' in outcome) return new ReplayedAnswer(outcome.found, { cache: 'coalesced', cacheKey: key });
      if ('joined' in outcome) return outcome.joined;
      // Nobody may be left to hear of the answer, and then nobody else would give the lead back.
      ({ resign } = outcome);
      if (unread.aborted) resign();
      unread.throwIfAborted();
      // The time that one client gives is not that of the others who read along: each ends his own reading.
      lead = await next({ ...job, asker: { ...asker, timeoutMs: undefined, urgency } }, unread);
      return lead;
    },
    onOver: blocks => {
      // Before the lead is given back: the others look for the record first.
      if (lead !== undefined && blocks !== undefined && isRecordable(lead)) {
        const lines = Buffer.concat(blocks);
        // Made once here instead of by each of those who take it from the record.
        cache.record(key, lines, { ...about, whole: JSON.stringify(wholeOf(lines)) }, 'now');
      }
      resign();
    },
  });
  const { reader, isFirst, lead: wanted } = joined;
  if (!isFirst) wanted.raise(asker.priority);
  const source = await reader.opened();
  const cacheResult = isFirst && source === lead ? 'miss' : 'coalesced';
  return await new SharedAnswer(source, reader, { cache: cacheResult, cacheKey: key }).begin();
}

/** What is wanted whole is taken from the record: it is there as soon as the end is, and may be made again until then. */
function waysOf({ cache, follow }: CacheDeps, { job, key }: Asked): Ways<Recording, NativeStream> {
  const look = (): Recording | undefined => cache.freshShared(key, job.wishes?.ttlMs);
  if (follow === undefined || job.gathered === true) return { look };
  return {
    look,
    // Until the first line is here another one may still lead: then nobody has had anything of this.
    follow: async (address, signal) => {
      const stream = await follow(address, key, signal);
      return await new FollowedAnswer(stream, { cache: 'coalesced', cacheKey: key }).begin();
    },
  };
}

/** Nobody waits for it. */
function refreshAhead(deps: CacheDeps, next: Generate, { job, key }: Asked, hit: Recording): void {
  if (deps.refresh?.isDue(hit, job.wishes?.ttlMs) !== true) return;
  void deps.refresh.run({
    key,
    hit,
    takeOver: maxAgeMs => deps.cache.freshShared(key, maxAgeMs) !== undefined,
    make: signal => renew(deps, next, { job, key }, signal),
  });
}

/** @throws DeciError when the answer cannot be had, or none may be kept of it */
async function renew({ cache }: CacheDeps, next: Generate, { job, key }: Asked, signal: AbortSignal): Promise<void> {
  const about = begin(cache, job);
  const asker = { owner: job.asker.owner, priority: 'background' } as const;
  const stream = await next({ ...job, gathered: true, asker }, signal);
  const lines = Buffer.concat(await Array.fromAsync(stream));
  if (!isRecordable(stream)) throw new DeciError('upstream_truncated');
  cache.record(key, lines, { ...about, whole: JSON.stringify(wholeOf(lines)) }, 'now');
}

function begin(cache: CacheDeps['cache'], { model, tenant, wishes }: GenerationJob): NewRecording {
  return cache.begin(model, tenant, wishes?.tags ?? noWishes.tags);
}
