/**
 * The first stage: from the name that a client asked for to the models that can answer, one after the other, down to the last
 * thing that can be said. The ladder: the model itself (fresh, shared or recorded), its fallbacks, an old answer, a fixed text,
 * and then the error of the model that was asked for. Each rung but the first is marked; who refuses them gets the error.
 */
import { DeciError } from '../../kernel/errors.ts';
import { parseObject } from '../../kernel/json.ts';
import type { ChainStep } from '../../ollama/fallback-chain.ts';
import type { Generate, NativeStream } from '../generate.ts';
import { type GenerationJob, noWishes } from '../job.ts';
import { type ModelPolicy, readyJob, stepsOf } from '../model-policy.ts';
import { wantsNoText } from '../shape-request.ts';
import { isWorthStale } from '../stale-if-error.ts';
import { CannedAnswer } from './modelled/canned-answer.ts';
import { DressedAnswer } from './modelled/dressed-answer.ts';
import { ReadingDeadline } from './modelled/reading-deadline.ts';

export interface ModelledDeps extends ModelPolicy {
  /** For all models of a request together. */
  readonly totalMs: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Undefined where nothing is recorded, or nothing of this. */
  readonly stale: (job: GenerationJob) => NativeStream | undefined;
}

export function createModelled(deps: ModelledDeps, next: Generate): Generate {
  return async (job, signal) => {
    const steps = stepsOf(deps, job);
    const [step] = steps;
    if (step === undefined) return await next(job, signal);
    const first = readyJob(deps, job, step);
    const endsAtMs = deps.nowMs() + Math.min(deps.totalMs, job.asker.timeoutMs ?? deps.totalMs);
    const tries = { deps, next, job, signal, endsAtMs };
    try {
      // An old answer of this model comes behind a new one of another.
      const asked = steps.length === 1 ? first.job : refusingDegraded(first.job, first.job, step);
      return dressed(await next(asked, signal), { step, name: job.model, adjusted: first.adjusted });
    } catch (thrown) {
      if (job.wishes?.refuseDegraded === true || !mayFallBack(thrown, signal)) throw thrown;
      const other = isTimeOver(thrown) ? undefined : await otherModels(tries, first.job, steps.slice(1));
      const found = other ?? oldAnswer(tries, first, steps) ?? fixedText(tries, step, thrown);
      if (found === undefined) throw thrown;
      return found;
    }
  };
}

interface Tries {
  readonly deps: ModelledDeps;
  readonly next: Generate;
  readonly job: GenerationJob;
  readonly signal: AbortSignal;
  /** When the time for all models together is over. */
  readonly endsAtMs: number;
}

async function otherModels(
  { deps, next, job, signal, endsAtMs }: Tries,
  first: GenerationJob,
  steps: readonly ChainStep[],
): Promise<NativeStream | undefined> {
  for (const step of steps) {
    const leftMs = endsAtMs - deps.nowMs();
    if (leftMs <= 0) return undefined;
    // An answer that others read as well knows no time of one reader, so that the reading itself has an end too.
    const deadline = new ReadingDeadline(leftMs, signal);
    try {
      const { job: ready, adjusted } = readyJob(deps, job, step);
      const asker = { ...ready.asker, timeoutMs: leftMs };
      const stream = await next({ ...refusingDegraded(ready, first, step), asker }, deadline.signal);
      return dressed(stream, { step, name: job.model, adjusted, degraded: 'fallback_model', onOver: deadline.over });
    } catch (thrown) {
      deadline.over();
      if (signal.aborted) throw thrown;
      if (isTimeOver(thrown)) return undefined;
    }
  }
  return undefined;
}

/** Nobody has time left then, whatever could still be asked. */
function isTimeOver(thrown: unknown): boolean {
  return thrown instanceof DeciError && thrown.code === 'total_timeout';
}

function oldAnswer(
  { deps, job }: Tries,
  first: ReturnType<typeof readyJob>,
  steps: readonly ChainStep[],
): NativeStream | undefined {
  const [step] = steps;
  // Alone, the model's own attempt has looked for one already.
  if (steps.length === 1 || step === undefined) return undefined;
  const stale = deps.stale(first.job);
  return stale === undefined ? undefined : dressed(stale, { step, name: job.model, adjusted: first.adjusted });
}

/** Not in place of an answer that has a form: a program that reads it would take it for one. */
function fixedText({ deps, job, signal }: Tries, { virtual }: ChainStep, thrown: unknown): NativeStream | undefined {
  const text = virtual?.fallback_text ?? deps.fallbackText;
  if (text === undefined || !isWorthStale(thrown, signal)) return undefined;
  const request = job.request ?? parseObject(job.body.toString()) ?? {};
  return wantsNoText(job.path, request) ? undefined : new CannedAnswer(job, text);
}

/**
 * @param first behind the others, an old answer of this one may be given; what belongs to a key does so whoever answers, and a model
 * that has no say of its own goes by what was asked for
 */
function refusingDegraded(job: GenerationJob, first: GenerationJob, { virtual }: ChainStep): GenerationJob {
  const owner = virtual === undefined ? first.owner : (job.owner ?? first.owner);
  return { ...job, owner, insteadOf: first, wishes: { ...(job.wishes ?? noWishes), refuseDegraded: true } };
}

/** A model that is nowhere is no reason to fail where another one is named for the case. */
function mayFallBack(thrown: unknown, signal: AbortSignal): boolean {
  if (signal.aborted) return false;
  return isWorthStale(thrown, signal) || (thrown instanceof DeciError && thrown.code === 'model_not_found');
}

interface Dress {
  readonly step: ChainStep;
  /** The name that was asked for. */
  readonly name: string;
  readonly adjusted: readonly string[];
  readonly degraded?: string;
  /** Told when nothing of it is read any more. */
  readonly onOver?: () => void;
}

function dressed(stream: NativeStream, { step, name, adjusted, degraded, onOver }: Dress): NativeStream {
  const isRenamed = step.virtual !== undefined || degraded !== undefined;
  if (!isRenamed && adjusted.length === 0) return stream;
  const marks = {
    ...(stream.marks ?? { cache: 'bypass' }),
    ...(degraded === undefined ? {} : { degraded }),
    model: isRenamed ? step.model : undefined,
    adjusted,
  };
  return new DressedAnswer(stream, isRenamed ? name : undefined, marks, onOver);
}
