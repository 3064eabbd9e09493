/** The way of an inference request, free of HTTP: the stages it passes, in order. */
import type { AttemptDeps } from './attempts.ts';
import type { Generate } from './generate.ts';
import { type Hosts, openPlaced, type PlacedDeps } from './open-placed.ts';
import { createDispatch } from './stages/dispatch.ts';
import { createResilient } from './stages/resilient.ts';

export type { Hosts, PlacedDeps };
export { openPlaced };

export function createPipeline(placed: PlacedDeps, attempts: AttemptDeps): Generate {
  return createResilient(attempts, createDispatch(placed));
}
