/** How control replaces all workers, one after the other: the replacement of one, a plan in the run folder, the day it was done last. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { DoorRoutes } from '../http/private-door.ts';
import type { JsonObject } from '../kernel/json.ts';
import { DailyRepository } from '../storage/daily-repository.ts';
import { wallClock } from '../supervision/daily-schedule.ts';
import { Recycle, type RecyclePlan } from '../supervision/recycle.ts';
import { type ReplaceWorkersOptions, replacementMs } from '../supervision/replace-workers.ts';
import { replaceWorker } from '../supervision/replacement.ts';
import type { Spine } from './create-spine.ts';
import { jsonFile } from './json-file.ts';

export interface Recycling {
  readonly healer: Recycle;
  /** What workers ask control's own socket for. */
  readonly routes: DoorRoutes;
}

export function createRecycle(
  config: Config,
  spine: Spine,
  replacement: ReplaceWorkersOptions,
  newId: () => string,
): Recycling {
  const daily = new DailyRepository(spine.store, () => new Date());
  const { app, workers } = replacement;
  // Its own list is the plan: what it has begun is no other healer's to finish.
  const unplanned = { read: () => undefined, write: () => undefined, remove: () => undefined };
  const healer = new Recycle({
    workers,
    atMinutes: config.recycleAtMinutes,
    views: replacement.views,
    replace: (pid, signal) => replaceWorker({ ...replacement, plan: unplanned }, pid, signal),
    isListed: async (pid, signal) => (await app.list(signal)).some(process => process.pid === pid),
    plan: jsonFile(join(config.places.runDir, 'recycle.json'), parsePlan),
    newId,
    now: () => new Date(),
    wallClock: () => wallClock(new Date()),
    daily: {
      lastDay: () => (spine.store.state.is === 'open' ? daily.lastDay('recycle') : null),
      remember: day => daily.remember('recycle', day),
    },
    takeTurn: replacement.takeTurn,
    replaceMs: replacementMs(replacement),
  });
  return {
    healer,
    routes: {
      'POST /recycle': async () => {
        const refusal = await refusalOf(healer, workers, spine);
        if (refusal !== undefined) return { status: 409, body: { error: refusal } };
        return { status: 202, body: healer.ask('asked') };
      },
    },
  };
}

async function refusalOf(healer: Recycle, workers: number, { healerModes }: Spine): Promise<string | undefined> {
  if (healer.plan !== undefined) return undefined;
  const { name } = healer.info;
  if ((await healerModes.of(name)) === 'off') return `the healer ${name} is switched off`;
  const ready = healer.ready.length;
  return ready < workers ? `${ready} of ${workers} workers serve, and none may be missing` : undefined;
}

function parsePlan(content: JsonObject): RecyclePlan | undefined {
  const { journal_id, reason, requested_at, begun, pids } = content as Partial<RecyclePlan>;
  const isPlan =
    typeof journal_id === 'string' &&
    (reason === 'daily' || reason === 'asked') &&
    typeof requested_at === 'string' &&
    typeof begun === 'boolean' &&
    Array.isArray(pids) &&
    pids.every(pid => Number.isInteger(pid) && pid > 0);
  return isPlan ? { journal_id, reason, requested_at, begun, pids } : undefined;
}
