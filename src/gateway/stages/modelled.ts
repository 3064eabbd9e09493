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

export interface ModelledDeps extends ModelPolicy {
  /** Undefined where nothing is recorded, or nothing of this. */
  readonly stale: (job: GenerationJob) => NativeStream | undefined;
}

export function createModelled(deps: ModelledDeps, next: Generate): Generate {
  return async (job, signal) => {
    const steps = stepsOf(deps, job);
    const [step] = steps;
    if (step === undefined) return await next(job, signal);
    const first = readyJob(deps, job, step);
    const tries = { deps, next, job, signal };
    try {
      // An old answer of this model comes behind a new one of another.
      const asked = steps.length === 1 ? first.job : refusingDegraded(first.job);
      return dressed(await next(asked, signal), { step, name: job.model, adjusted: first.adjusted });
    } catch (thrown) {
      if (job.wishes?.refuseDegraded === true || !mayFallBack(thrown, signal)) throw thrown;
      const found =
        (await otherModels(tries, steps.slice(1))) ?? oldAnswer(tries, first, steps) ?? fixedText(tries, step, thrown);
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
}

async function otherModels(
  { deps, next, job, signal }: Tries,
  steps: readonly ChainStep[],
): Promise<NativeStream | undefined> {
  for (const step of steps) {
    try {
      const { job: ready, adjusted } = readyJob(deps, job, step);
      const stream = await next(refusingDegraded(ready), signal);
      return dressed(stream, { step, name: job.model, adjusted, degraded: 'fallback_model' });
    } catch (thrown) {
      if (signal.aborted) throw thrown;
    }
  }
  return undefined;
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

function refusingDegraded(job: GenerationJob): GenerationJob {
  return { ...job, wishes: { ...(job.wishes ?? noWishes), refuseDegraded: true } };
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
}

function dressed(stream: NativeStream, { step, name, adjusted, degraded }: Dress): NativeStream {
  const isRenamed = step.virtual !== undefined || degraded !== undefined;
  if (!isRenamed && adjusted.length === 0) return stream;
  return new DressedAnswer(stream, isRenamed ? name : undefined, {
    ...(stream.marks ?? { cache: 'bypass' }),
    ...(degraded === undefined ? {} : { degraded }),
    model: isRenamed ? step.model : undefined,
    adjusted,
  });
}
