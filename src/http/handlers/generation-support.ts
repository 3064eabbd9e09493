/** What every handler of an inference route does the same way: run the job, note what the log says of it. */
import type { AnswerMarks, Generate, NativeStream } from '../../gateway/generate.ts';
import type { GenerationJob } from '../../gateway/job.ts';
import { DeciError } from '../../kernel/errors.ts';
import { askerOf } from '../asker.ts';
import { readCacheWishes } from '../cache-wishes.ts';
import type { RequestContext } from '../request-context.ts';

export interface GenerationDeps {
  readonly generate: Generate;
  readonly heartbeatMs: number | undefined;
}

/** A job as a handler knows it; who asks and what he wishes is in the context. */
export type HandlerJob = Omit<GenerationJob, 'tenant' | 'wishes' | 'asker'>;

/** Starts the job and notes where its answer is from; the last line is noted when the lines have been read. */
export async function startGeneration(
  context: RequestContext,
  deps: GenerationDeps,
  job: HandlerJob,
): Promise<NativeStream> {
  context.model = job.model;
  const wishes = readCacheWishes(context.req.headers);
  const tenant = tenantOf(context);
  const asker = askerOf(context, 'interactive');
  const stream = await deps.generate({ ...job, tenant, wishes, asker }, context.signal);
  if (stream.upstream !== undefined) noteUpstream(context, stream.upstream);
  noteQueue(context, stream.queueMs);
  if (stream.marks !== undefined) noteMarks(context, stream.marks);
  return stream;
}

export function tenantOf({ principal }: RequestContext): string {
  if (principal === undefined) throw new DeciError('internal', { message: 'nobody was asked who asks' });
  return principal.tenant;
}

/** Of several answers to one request, the last word on each mark counts, but a degraded one makes all of it degraded. */
export function noteMarks(context: RequestContext, { cache, degraded, cacheKey }: AnswerMarks): void {
  setHeader(context, 'X-Deci-Cache', cache);
  if (degraded !== undefined) setHeader(context, 'X-Deci-Degraded', degraded);
  context.marks = {
    cache,
    degraded: degraded ?? context.marks?.degraded,
    cacheKey,
    // A sign of life has taken the headers along already: then only the answer's end can tell.
    late: context.res.headersSent,
  };
}

/** Called again when another host is tried: the one that answers counts. */
export function noteUpstream(context: RequestContext, upstream: string): void {
  setHeader(context, 'X-Deci-Upstream', upstream);
  context.upstream = upstream;
}

function setHeader({ headers }: RequestContext, name: string, value: string): void {
  const at = headers.indexOf(name);
  if (at === -1) headers.push(name, value);
  else headers[at + 1] = value;
}

/** Of several slots that one request waited for, the longest wait counts. */
export function noteQueue(context: RequestContext, queueMs: number): void {
  if (queueMs <= (context.queueMs ?? 0)) return;
  setHeader(context, 'X-Deci-Queue-Ms', String(queueMs));
  context.queueMs = queueMs;
}

export function noteUsage(context: RequestContext, { final }: NativeStream): void {
  context.promptTokens = (context.promptTokens ?? 0) + count(final?.['prompt_eval_count']);
  context.outputTokens = (context.outputTokens ?? 0) + count(final?.['eval_count']);
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
