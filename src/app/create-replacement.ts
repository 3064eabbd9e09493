/** How control replaces workers: PM2's command line, what the workers say, and a plan in the run folder, put together. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { appName } from '../config/ecosystem.ts';
import { checkout, environmentForPrograms } from '../config/environment.ts';
import { readRunState } from '../config/run-state.ts';
import type { Lease } from '../storage/lease-repository.ts';
import { StoreError } from '../storage/store-error.ts';
import { onlyOne } from '../supervision/only-one.ts';
import { Pm2App } from '../supervision/pm2-app.ts';
import type { QuarantineOptions } from '../supervision/quarantine.ts';
import { type ReplaceWorkersOptions, replacementMs } from '../supervision/replace-workers.ts';
import { runCommand } from '../supervision/run-command.ts';
import type { WorkerWatch } from '../supervision/worker-watch.ts';
import type { Spine } from './create-spine.ts';

export function replacementOptions(config: Config, watch: WorkerWatch, leases: Spine['leases']): ReplaceWorkersOptions {
  const { places, timeouts, workers } = config;
  const path = join(places.runDir, 'replacement');
  return {
    workers,
    app: createLiveApp(places.runDir),
    views: () => watch.views,
    serving: async () => {
      await watch.look();
      return watch.views.filter(({ state }) => state === 'ready').map(({ pid }) => pid);
    },
    isLeaving: async pid => {
      await watch.look();
      return watch.views.some(view => view.pid === pid && view.state === 'draining');
    },
    bootMs: timeouts.bootMs,
    drainMs: timeouts.drainMs,
    takeTurn: turnOf(leases, 2 * workers * replacementMs(timeouts)),
    plan: {
      read: () => {
        const pid = Number(textOf(path));
        return Number.isInteger(pid) && pid > 0 ? pid : undefined;
      },
      write: pid => writeFileSync(path, `${pid}\n`, { mode: 0o600 }),
      remove: () => rmSync(path, { force: true }),
    },
  };
}

/** Without the shared store each process goes by itself, and control is one. */
function turnOf(leases: Spine['leases'], ttlMs: number): ReplaceWorkersOptions['takeTurn'] {
  return onlyOne(() => {
    try {
      const lease = leases.take({ kind: 'heal', key: 'workers', capacity: 1, ttlMs });
      return lease === undefined ? undefined : () => giveBack(leases, lease);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return () => undefined;
    }
  });
}

/** What cannot be given back now ends with the process, or with its time. */
function giveBack(leases: Spine['leases'], lease: Lease): void {
  try {
    leases.release(lease);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/** The colour that is live at that moment, in the daemon that this process runs under. */
export function createLiveApp(
  runDir: string,
): ReplaceWorkersOptions['app'] & QuarantineOptions['app'] & Pick<Pm2App, 'pids'> {
  const app = (): Pm2App => {
    const env = environmentForPrograms();
    return new Pm2App({
      app: appName(readRunState(runDir)?.live ?? 'blue'),
      checkout,
      home: env['PM2_HOME'] ?? join(runDir, 'pm2'),
      run: (command, signal) => runCommand({ ...command, env: { ...env, ...command.env } }, signal),
    });
  };
  return {
    list: signal => app().list(signal),
    scale: (count, signal) => app().scale(count, signal),
    remove: (id, signal) => app().remove(id, signal),
    places: signal => app().list(signal),
    pids: signal => app().pids(signal),
    stop: (id, signal) => app().stop(id, signal),
    restart: (id, signal) => app().restart(id, signal),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
