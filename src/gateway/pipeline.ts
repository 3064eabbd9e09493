/** The way of an inference request, free of HTTP: the stages it passes, in order. */
import type { AttemptDeps } from './attempts.ts';
import type { Generate } from './generate.ts';
import { type Hosts, openPlaced, type PlacedDeps } from './open-placed.ts';
import { type CacheDeps, createCached } from './stages/cached.ts';
import { createDispatch } from './stages/dispatch.ts';
import { createResilient } from './stages/resilient.ts';

export type { CacheDeps, Hosts, PlacedDeps };
export { openPlaced };

export interface PipelineDeps {
  readonly placed: PlacedDeps;
  readonly attempts: AttemptDeps;
  /** Undefined where the cache is switched off. */
  readonly cache?: CacheDeps | undefined;
}

export function createPipeline({ placed, attempts, cache }: PipelineDeps): Generate {
  return createCached(cache, createResilient(attempts, createDispatch(placed)));
}
