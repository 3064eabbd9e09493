/** How control deals with workers that crash again and again, and with those that PM2 has lost: PM2's list, plans in the run folder. */
import type { Config } from '../config/config.ts';
import { environmentForPrograms } from '../config/environment.ts';
import { liveWorkers } from '../config/live-workers.ts';
import { crashCountPath, quarantinePath } from '../config/run-state.ts';
import type { Healer } from '../journal/healer.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import { pause } from '../kernel/pause.ts';
import { isAlive, processStart } from '../kernel/process-identity.ts';
import type { CrashCount } from '../supervision/crash-count.ts';
import { createOrphans } from '../supervision/orphans.ts';
import { Quarantine, type QuarantinePlan } from '../supervision/quarantine.ts';
import type { ReplaceWorkersOptions } from '../supervision/replace-workers.ts';
import type { WorkerWatch } from '../supervision/worker-watch.ts';
import { createLiveApp } from './create-replacement.ts';
import type { Spine } from './create-spine.ts';
import { jsonFile } from './json-file.ts';

export interface CrashLoops {
  readonly quarantine: Quarantine;
  readonly orphans: Healer;
}

export interface CrashLoopNeeds {
  readonly watch: WorkerWatch;
  readonly replacement: Pick<ReplaceWorkersOptions, 'serving' | 'takeTurn'>;
  readonly newId: () => string;
}

/** Beyond that a crash is one of what it does, not of the release. */
const steadyMs = 30_000;

export function createCrashLoops(config: Config, spine: Spine, needs: CrashLoopNeeds): CrashLoops {
  const { places, timeouts, workers, crashes } = config;
  const app = createLiveApp(places.runDir);
  const { log, events } = spine;
  const quarantine = new Quarantine({
    workers,
    budget: crashes.budget,
    probeEveryMs: crashes.probeEveryMs,
    bootMs: timeouts.bootMs,
    steadyMs: Math.min(steadyMs, crashes.probeEveryMs),
    app,
    serving: needs.replacement.serving,
    takeTurn: needs.replacement.takeTurn,
    count: jsonFile(crashCountPath(places.runDir), parseCount),
    plan: jsonFile(quarantinePath(places.runDir), parsePlan),
    newId: needs.newId,
    now: () => new Date(),
    pause,
    onProbe: ({ id, isWell }) => {
      if (isWell) log.info('a worker that was stopped stays', { pm2_id: id });
      else log.error('a worker that was stopped has crashed again: somebody must look', { pm2_id: id });
    },
  });
  spine.registry.sample(() => events.quarantine({ isOn: quarantine.plan !== undefined }));
  return {
    quarantine,
    orphans: createOrphans({
      living: () => livingOf(places.runDir, needs.watch),
      listed: signal => app.pids(signal),
      isAlive,
      end: (pid, signal) => process.kill(pid, signal),
      drainMs: timeouts.drainMs,
      clock: () => performance.now(),
      pause,
    }),
  };
}

/** Those of another daemon are that daemon's. */
function livingOf(runDir: string, watch: WorkerWatch) {
  const leaving = new Set(watch.views.filter(({ state }) => state === 'draining').map(({ pid }) => pid));
  const own = environmentForPrograms()['PM2_HOME'];
  return liveWorkers(runDir)
    .filter(({ pid, pm2Home }) => !leaving.has(pid) && (pm2Home === undefined || pm2Home === own))
    .map(({ pid }) => ({ pid, start: processStart(pid) ?? '' }));
}

function parseCount({ known, times }: JsonObject): CrashCount | undefined {
  if (!isObject(known) || !Array.isArray(times)) return undefined;
  if (!Object.values(known).every(Number.isFinite) || !times.every(Number.isFinite)) return undefined;
  return { known: known as Record<string, number>, times: times as number[] };
}

function parsePlan({ journal_id, since, ids }: JsonObject): QuarantinePlan | undefined {
  const isPlan = typeof journal_id === 'string' && typeof since === 'string' && Array.isArray(ids);
  return isPlan && ids.every(Number.isInteger) ? { journal_id, since, ids: ids as number[] } : undefined;
}
