/** The composition root of the control process: everything is made here, in a straight line, and started and stopped from here. */

import { rmSync, writeFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { crashReportDir } from '../config/ecosystem.ts';
import { controlIdentityPath, controlSocketPath } from '../config/live-workers.ts';
import type { EndSurroundings } from '../crash/crash-reporter.ts';
import { HealerRunner } from '../journal/healer-runner.ts';
import { Journal } from '../journal/journal.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { tellFailure } from '../kernel/failure-kinds.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { makeFolder } from '../kernel/make-folder.ts';
import { pause } from '../kernel/pause.ts';
import { isAlive } from '../kernel/process-identity.ts';
import { SortableIds } from '../kernel/sortable-id.ts';
import { createDeadLeases } from '../supervision/dead-leases.ts';
import { createHungWorkers, silentOf } from '../supervision/hung-workers.ts';
import { createReplaceWorkers } from '../supervision/replace-workers.ts';
import { reportHang } from '../supervision/stack-report.ts';
import { Upkeep } from '../supervision/upkeep.ts';
import { WorkerWatch } from '../supervision/worker-watch.ts';
import type { Logger } from '../telemetry/logger.ts';
import { foldDead } from '../telemetry/retired-metrics.ts';
import { createCrashCollector } from './create-crash-collector.ts';
import { createLogTeller } from './create-log-teller.ts';
import { createOllamaHealing } from './create-ollama-healing.ts';
import { createCrashLoops } from './create-quarantine.ts';
import { createRecycle } from './create-recycle.ts';
import { replacementOptions } from './create-replacement.ts';
import { createSpine } from './create-spine.ts';
import { renderOwnMetrics } from './metrics-render.ts';
import { PrivateSocket } from './private-socket.ts';
import { startMs } from './start-time.ts';

export interface ControlIdentity {
  readonly version: string;
  readonly print: (line: string) => void;
  /** Ends the process as a signal would. */
  readonly leave: (reason: string) => void;
}

export interface Control {
  readonly log: Logger;
  /** Supervises. @throws LifecycleError; nothing is left running then */
  start(): Promise<void>;
  /** Idempotent. */
  stop(reason: string): Promise<void>;
  describeEnd(): EndSurroundings;
  /** Nobody waits for an answer of it. */
  abandon(): Promise<void>;
}

const closingMs = 5000;
const second = 1000;
const day = 86_400 * second;
/** As long as somebody may want to know what was healed. */
const journalDays = 90;

export function createControl(config: Config, { version, print, leave: leaveProcess }: ControlIdentity): Control {
  const { places, timeouts } = config;
  const startedAt = new Date();
  let state: 'starting' | 'ready' | 'draining' = 'starting';
  let stopping: Promise<void> | undefined;

  const spine = createSpine(config, { role: 'control', version, print, presence: 'control', leave: leaveProcess });
  const { log, events, registry, gauges, leases, store, journal: records } = spine;

  const watch = new WorkerWatch({
    runDir: places.runDir,
    intervalMs: second,
    answerMs: 800,
    now: () => new Date(),
    random: Math.random,
    onChange: ({ pid, colour, state: now }, before) => {
      const fields = { worker: pid, colour, before, now };
      if (now === 'not answering') log.warn('worker does not answer', fields);
      else log.info('worker changed', fields);
    },
    onGone: ({ pid, colour, state: before }) => {
      const fields = { worker: pid, colour, before };
      if (before === 'draining') log.info('worker has left', fields);
      else log.warn('worker died', fields);
    },
    onFailure: error => log.error('looking for workers failed', { cause: String(error) }),
  });

  const ids = new SortableIds({ now: Date.now, random: Math.random });
  const journal = new Journal({
    store: records,
    now: () => new Date(),
    newId: () => ids.next(),
    log,
  });
  const ollama = createOllamaHealing(config, spine);
  const replacement = replacementOptions(config, watch, leases);
  const recycling = createRecycle(config, spine, replacement, () => ids.next());
  const loops = createCrashLoops(config, spine, {
    watch,
    replacement,
    newId: () => ids.next(),
  });
  const healers = new HealerRunner({
    healers: [
      ...ollama.healers,
      createReplaceWorkers(replacement),
      recycling.healer,
      loops.quarantine,
      loops.orphans,
      createHungWorkers({
        silent: () => silentOf(watch.views, timeouts.bootMs),
        look: () => watch.look(),
        now: () => new Date(),
        isAlive,
        report: async ({ pid }) => {
          const report = await reportHang(crashReportDir(config), pid, new Date());
          log.warn('a worker hangs and is killed', { worker: pid, report });
        },
        kill: pid => process.kill(pid, 'SIGKILL'),
        pause,
      }),
      createDeadLeases({
        leases,
        isAlive,
        onReaped: reaped => {
          for (const { kind } of reaped) events.leasesReaped({ kind, count: 1 });
        },
      }),
    ],
    journal,
    modeOf: name => spine.healerModes.of(name),
    now: () => new Date(),
    random: Math.random,
    log,
    onHealed: (record, { result, duration_ms }) => {
      events.healed({
        healer: record.healer,
        trigger: record.trigger.signal,
        result,
        seconds: duration_ms / second,
      });
    },
  });

  const crashes = createCrashCollector(config, spine, version);
  const upkeep = new Upkeep({
    tasks: [
      { name: 'crash reports', everyMs: 2 * second, run: async () => crashes.look() },
      {
        name: 'fold metrics',
        everyMs: 5 * second,
        run: async () => {
          const { lost } = foldDead(spine.hotDir, spine.self);
          if (lost === 0) return;
          events.metricsLost({ files: lost });
          log.warn('files of metrics could not be read and were dropped', { files: lost, dir: spine.hotDir });
        },
      },
      { name: 'journal', everyMs: 5 * second, run: () => journal.flush() },
      {
        name: 'expired leases',
        everyMs: second,
        run: async () => {
          for (const { kind } of leases.reapExpired()) events.leasesReaped({ kind, count: 1 });
        },
      },
      {
        name: 'closed breakers',
        everyMs: 60 * second,
        run: async () => void spine.breakers.forget(Date.now() - 3600 * second),
      },
      {
        name: 'interrupted episodes',
        everyMs: 60 * second,
        run: async () => {
          if (store.state.is !== 'open') return;
          for (const record of await records.leftOpen(isAlive)) {
            // It goes on under this record.
            if ([recycling.healer, loops.quarantine].some(({ plan }) => plan?.journal_id === record.id)) continue;
            log.warn('an action was interrupted', { journal_id: record.id, healer: record.healer });
            await records.complete(record.id, { result: 'no_effect', duration_ms: null, requests_affected: null });
          }
        },
      },
      {
        name: 'store upkeep',
        everyMs: 6 * 3600 * second,
        run: async () => {
          if (store.state.is !== 'open') return;
          await records.prune(new Date(Date.now() - journalDays * day).toISOString());
          await store.optimize();
        },
      },
      {
        // What is damaged closes the store, which is logged where it is made.
        name: 'store check',
        everyMs: day,
        run: async signal => {
          if (store.state.is === 'open') await store.check(signal);
        },
      },
    ],
    random: Math.random,
    onFailure: (task, error) => tellFailure(log, 'upkeep failed', error, { task }),
  });
  const lifecycle = new Lifecycle([
    ...spine.resources,
    createLogTeller(config, spine),
    watch,
    { name: 'journal', start: async () => undefined, stop: () => journal.flush() },
    upkeep,
    ollama.resource,
    healers,
  ]);

  const identityPath = controlIdentityPath(places.runDir);
  const socketPath = controlSocketPath(places.runDir);
  const door = new PrivateSocket({
    socketPath,
    routes: {
      ...recycling.routes,
      'GET /state': () => ({
        body: {
          pid: process.pid,
          state,
          version,
          started_at: startedAt.toISOString(),
          ollama_restart: ollama.restartWay(),
          workers: watch.views,
        },
      }),
      'GET /metrics': () => ({ body: renderOwnMetrics(registry) }),
      'HEAD /metrics': () => {
        registry.flush();
        return {};
      },
    },
    random: Math.random,
    onTakenBack: () => log.warn('the private socket was lost and is back', { path: socketPath }),
    onFailure: error => log.error('the private socket cannot be kept', { cause: String(error) }),
  });

  return {
    log,
    async start() {
      makeFolder(places.runDir);
      await withDeadline(startMs(timeouts.bootMs), signal => lifecycle.start(signal));
      if (stopping !== undefined) return;
      writeFileSync(identityPath, `${spine.self.pid} ${spine.self.start}\n`, { mode: 0o600 });
      try {
        await door.start();
      } catch (error) {
        await withDeadline(closingMs, signal => lifecycle.stop(signal));
        throw error;
      }
      if (stopping !== undefined) return;
      state = 'ready';
      gauges.setState(state);
      log.info('control is ready');
    },
    stop(reason) {
      stopping ??= leave(reason);
      return stopping;
    },
    describeEnd: () => ({ in_flight: [], event_loop: null, last_lines: spine.lastLines.all() }),
    abandon: () => Promise.resolve(),
  };

  async function leave(reason: string): Promise<void> {
    state = 'draining';
    gauges.setState(state);
    log.info('control is leaving', { reason });
    try {
      await door.stop();
      await withDeadline(closingMs, signal => lifecycle.stop(signal));
    } finally {
      rmSync(identityPath, { force: true });
      await log.close();
    }
  }
}
