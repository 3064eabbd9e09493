/** What every handler of an inference route does the same way: run the job, note what the log says of it. */
import type { AnswerMarks, Generate, NativeStream } from '../../gateway/generate.ts';
import type { GenerationJob } from '../../gateway/job.ts';
import { DeciError } from '../../kernel/errors.ts';
import { mayAct } from '../../kernel/role.ts';
import { askerOf } from '../asker.ts';
import { readCacheWishes } from '../cache-wishes.ts';
import type { RequestContext } from '../request-context.ts';

export interface GenerationDeps {
  readonly generate: Generate;
  readonly heartbeatMs: number | undefined;
}

/** A job as a handler knows it; who asks and what he wishes is in the context. */
export type HandlerJob = Omit<GenerationJob, 'tenant' | 'owner' | 'wishes' | 'asker'>;

/** Starts the job and notes where its answer is from; the last line is noted when the lines have been read. */
export async function startGeneration(
  context: RequestContext,
  deps: GenerationDeps,
  job: HandlerJob,
): Promise<NativeStream> {
  context.model = job.model;
  const wishes = readCacheWishes(context.req.headers);
  const tenant = tenantOf(context);
  const asker = askerOf(context);
  const asked = { ...job, tenant, owner: asker.owner, wishes, asker, mayManage: mayManage(context) };
  const stream = await deps.generate(asked, context.signal);
  if (stream.upstream !== undefined) noteUpstream(context, stream.upstream);
  noteQueue(context, stream.queueMs);
  if (stream.marks !== undefined) noteMarks(context, stream.marks);
  return stream;
}

/** Whether the caller may unload what others use. */
export function mayManage({ principal }: RequestContext): boolean {
  return principal !== undefined && mayAct(principal.role, 'admin');
}

export function tenantOf({ principal }: RequestContext): string {
  if (principal === undefined) throw new DeciError('internal', { message: 'nobody was asked who asks' });
  return principal.tenant;
}

/** Of several answers to one request, the last word on each mark counts, but a degraded one makes all of it degraded. */
export function noteMarks(context: RequestContext, marks: AnswerMarks): void {
  const { cache, degraded, cacheKey } = marks;
  setHeader(context, 'X-Deci-Cache', cache);
  noteModel(context, marks);
  if (degraded !== undefined) setHeader(context, 'X-Deci-Degraded', degraded);
  context.marks = {
    cache,
    degraded: degraded ?? context.marks?.degraded,
    cacheKey,
    model: marks.model ?? context.marks?.model,
    adjusted: marks.adjusted ?? context.marks?.adjusted,
    // A sign of life has taken the headers along already: then only the answer's end can tell.
    late: context.res.headersSent,
  };
}

/** Which model it is that answers, and what of the request was changed for all others' sake. */
function noteModel(context: RequestContext, { model, adjusted = [] }: Pick<AnswerMarks, 'model' | 'adjusted'>): void {
  if (model !== undefined) setHeader(context, 'X-Deci-Model', headerText(model));
  if (adjusted.length > 0) setHeader(context, 'X-Deci-Adjusted', headerText(adjusted.join(', ')));
}

/** Values of options are a client's own, and a header holds less than JSON does. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 500);
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
