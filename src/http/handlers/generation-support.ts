/** What every handler of an inference route does the same way: run the job, note what the log says of it. */
import type { Generate, NativeStream } from '../../gateway/generate.ts';
import type { GenerationJob } from '../../gateway/job.ts';
import type { RequestContext } from '../request-context.ts';

export interface GenerationDeps {
  readonly generate: Generate;
  readonly heartbeatMs: number | undefined;
}

/** Starts the job and notes its host; the answer's last line is noted when its lines have been read. */
export async function startGeneration(
  context: RequestContext,
  deps: GenerationDeps,
  job: GenerationJob,
): Promise<NativeStream> {
  context.model = job.model;
  const stream = await deps.generate(job, context.signal);
  noteUpstream(context, stream.upstream);
  noteQueue(context, stream.queueMs);
  return stream;
}

/** Called again when another host is tried: the one that answers counts. */
export function noteUpstream(context: RequestContext, upstream: string): void {
  const { headers } = context;
  const at = headers.indexOf(upstreamHeader);
  if (at === -1) headers.push(upstreamHeader, upstream);
  else headers[at + 1] = upstream;
  context.upstream = upstream;
}

const upstreamHeader = 'X-Deci-Upstream';

/** Of several slots that one request waited for, the longest wait counts. */
export function noteQueue(context: RequestContext, queueMs: number): void {
  if (queueMs <= (context.queueMs ?? 0)) return;
  const { headers } = context;
  const at = headers.indexOf(queueHeader);
  if (at === -1) headers.push(queueHeader, String(queueMs));
  else headers[at + 1] = String(queueMs);
  context.queueMs = queueMs;
}

const queueHeader = 'X-Deci-Queue-Ms';

export function noteUsage(context: RequestContext, { final }: NativeStream): void {
  context.promptTokens = (context.promptTokens ?? 0) + count(final?.['prompt_eval_count']);
  context.outputTokens = (context.outputTokens ?? 0) + count(final?.['eval_count']);
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
