/** The way of an inference request, free of HTTP: the stages it passes, in order. */
import type { AttemptDeps } from './attempts.ts';
import type { Generate } from './generate.ts';
import type { ModelPolicy } from './model-policy.ts';
import { type Hosts, openPlaced, type PlacedDeps } from './open-placed.ts';
import { type CacheDeps, createCached, hasOldAnswer, staleAnswer } from './stages/cached.ts';
import { createDispatch } from './stages/dispatch.ts';
import { createModelled } from './stages/modelled.ts';
import { createResilient } from './stages/resilient.ts';

export type { CacheDeps, Hosts, PlacedDeps };

/** Attempts that go on for a shorter time where an old answer may be given instead. */
export function withOldAnswers(attempts: AttemptDeps, cache: CacheDeps | undefined): AttemptDeps {
  return cache === undefined ? attempts : { ...attempts, hasOld: question => hasOldAnswer(cache, question) };
}

export { openPlaced };

export interface PipelineDeps {
  readonly placed: PlacedDeps;
  readonly attempts: AttemptDeps;
  /** Undefined where the cache is switched off. */
  readonly cache?: CacheDeps | undefined;
  readonly models: ModelPolicy;
}

export function createPipeline({ placed, attempts, cache, models }: PipelineDeps): Generate {
  const answered = createCached(cache, createResilient(attempts, createDispatch(placed)));
  const { totalMs, nowMs } = attempts;
  return createModelled({ ...models, totalMs, nowMs, stale: job => staleAnswer(cache, job) }, answered);
}
