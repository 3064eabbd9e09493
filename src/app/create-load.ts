/** The load watch of a worker, wired: what it reads, who is refused, and what the workers have in common of it. */
import type { Config } from '../config/config.ts';
import { priorityOf } from '../http/asker.ts';
import type { RequestContext } from '../http/request-context.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { Journal } from '../journal/journal.ts';
import { DeciError } from '../kernel/errors.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { SortableIds } from '../kernel/sortable-id.ts';
import { isRefused, isShedding, loadStages } from '../protection/load-stage.ts';
import { LoadWatch } from '../protection/load-watch.ts';
import { LoopSampler } from '../protection/loop-sampler.ts';
import type { Spine } from './create-spine.ts';
import { HealerLicence } from './healer-licence.ts';
import { LoadTeller, type SharedEpisode } from './load-teller.ts';
import { heldEpisode } from './shared-episode.ts';

export interface WorkerLoad {
  readonly resources: readonly Resource[];
  /** @throws DeciError `load_shed` */
  readonly gate: (context: RequestContext) => void;
  /** Whether there is time for what nobody waits for. */
  readonly isOptionalAllowed: () => boolean;
  readonly eventLoop: () => { readonly delay_ms: number; readonly utilisation: number };
  /** Members of the state that a worker tells. */
  readonly describe: () => object;
}

/** Callers that were refused shall not come back all at once. */
const retryAfterSeconds = { least: 5, spread: 6 };
const refusedKey = 'load-shed refused';

export function createLoad(config: Config, spine: Spine): WorkerLoad {
  const { log, events, registry } = spine;
  const limits = config.load;
  const info = healerCatalogue['load-shed'];
  const ids = new SortableIds({ now: Date.now, random: Math.random });
  const journal = new Journal({ store: spine.journal, now: () => new Date(), newId: () => ids.next(), log });
  // Until anybody knows the settings, too: without it all become slow together, and what it does ends by itself.
  const modeOf = (name: string): ReturnType<typeof spine.healerModes.of> => spine.healerModes.of(name, 'on');
  const licence = new HealerLicence({ info, journal, modeOf, nowMs: Date.now });
  const onFailure = (error: unknown): void => log.warn('looking after load failed', { cause: String(error) });
  const sampler = new LoopSampler(onFailure);
  const teller = new LoadTeller({
    info,
    licence,
    journal,
    events,
    log,
    episode: createEpisode(spine),
    delayLimitMs: limits.delayMs,
    clock: () => performance.now(),
  });
  const watch = new LoadWatch({
    limits,
    sample: () => sampler.sample(),
    effects: teller,
    refresh: () => licence.refresh(),
    random: Math.random,
    onFailure,
  });
  registry.sample(() => events.load({ ...watch.reading, stage: loadStages.indexOf(watch.stage) }));

  const eventLoop = (): ReturnType<WorkerLoad['eventLoop']> => {
    const { utilisation, delayMs } = watch.reading;
    return { delay_ms: Math.round(delayMs), utilisation: Math.round(utilisation * 100) / 100 };
  };
  return {
    resources: [
      sampler,
      {
        name: watch.name,
        start: () => watch.start(),
        stop: async () => {
          await watch.stop();
          await teller.stop();
        },
      },
    ],
    gate: context => {
      const { stage } = watch;
      if (!isShedding(stage) || !isWork(context)) return;
      const priority = priorityOf(context);
      if (!isRefused(stage, priority)) return;
      teller.refused(priority);
      const { least, spread } = retryAfterSeconds;
      throw new DeciError('load_shed', { retryAfterSeconds: least + Math.floor(Math.random() * spread) });
    },
    isOptionalAllowed: () => watch.isOptionalAllowed,
    eventLoop,
    describe: () => ({ load: { stage: watch.stage, ...eventLoop() } }),
  };
}

/** Probes, lists, metrics and what administrators do need little, and are how one looks. */
function isWork({ route }: RequestContext): boolean {
  return route !== undefined && (route.rate === 'execute' || route.time === 'transfer');
}

function createEpisode({ leases, counters }: Spine): SharedEpisode {
  return {
    ...heldEpisode(leases, 'load-shed'),
    addRefused: count => {
      try {
        return counters.add(refusedKey, count);
      } catch {
        return undefined;
      }
    },
  };
}
