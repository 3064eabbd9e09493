/** The first gate of a worker: whether there is memory, and time, for a request. */
import type { Config } from '../config/config.ts';
import type { RequestContext } from '../http/request-context.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { createLoad, type WorkerLoad } from './create-load.ts';
import { createMemory, type MemoryNeeds } from './create-memory.ts';
import type { Spine } from './create-spine.ts';

export interface WorkerProtection {
  readonly resources: readonly Resource[];
  /** @throws DeciError `memory_low`, `load_shed` */
  readonly firstGate: (context: RequestContext) => void;
  /** Ends a request whose body turns out not to fit. */
  readonly onBodyGrown: (context: RequestContext) => void;
  /** Whether there is time for what nobody waits for. */
  readonly isOptionalAllowed: () => boolean;
  readonly eventLoop: WorkerLoad['eventLoop'];
  /** Members of the state that a worker tells. */
  readonly describe: () => object;
}

export function createProtection(config: Config, spine: Spine, needs: MemoryNeeds): WorkerProtection {
  const memory = createMemory(config, spine, needs);
  const load = createLoad(config, spine);
  return {
    resources: [memory.resource, ...load.resources],
    firstGate: context => {
      load.gate(context);
      memory.firstGate(context);
    },
    onBodyGrown: memory.onBodyGrown,
    isOptionalAllowed: load.isOptionalAllowed,
    eventLoop: load.eventLoop,
    describe: () => ({ ...memory.describe(), ...load.describe() }),
  };
}
