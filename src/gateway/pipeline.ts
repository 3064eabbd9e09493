/** The way of an inference request, free of HTTP: the stages it passes, in order. */
import type { AttemptDeps } from './attempts.ts';
import type { Generate } from './generate.ts';
import type { RecordedQuestion } from './job.ts';
import type { ModelPolicy } from './model-policy.ts';
import { type Hosts, openPlaced, type PlacedDeps } from './open-placed.ts';
import { type CacheDeps, createCached, hasOldAnswer, staleAnswer } from './stages/cached.ts';
import { createDispatch } from './stages/dispatch.ts';
import { createModelled } from './stages/modelled.ts';
import { createResilient } from './stages/resilient.ts';

export type { CacheDeps, Hosts, PlacedDeps };
export { openPlaced };

export interface PipelineDeps {
  readonly placed: PlacedDeps;
  readonly attempts: AttemptDeps;
  /** Undefined where the cache is switched off. */
  readonly cache?: CacheDeps | undefined;
  readonly models: ModelPolicy;
}

export function createPipeline({ placed, attempts, cache, models }: PipelineDeps): Generate {
  const hasOld = cache === undefined ? undefined : (question: RecordedQuestion) => hasOldAnswer(cache, question);
  const answered = createCached(cache, createResilient({ ...attempts, hasOld }, createDispatch(placed)));
  const { totalMs, nowMs } = attempts;
  return createModelled({ ...models, totalMs, nowMs, stale: job => staleAnswer(cache, job) }, answered);
}
