/** The way of an inference request, free of HTTP: the stages it passes, in order. */
import type { Generate } from './generate.ts';
import { type Admission, type Hosts, openPlaced, type PlacedDeps, type Wanted } from './open-placed.ts';
import { createDispatch } from './stages/dispatch.ts';

export type { Admission, Hosts, PlacedDeps, Wanted };
export { openPlaced };

export function createPipeline(deps: PlacedDeps): Generate {
  return createDispatch(deps);
}
