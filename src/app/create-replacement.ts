/** How control replaces workers: PM2's command line, what the workers say, and a plan in the run folder, put together. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { appName } from '../config/ecosystem.ts';
import { checkout, environmentForPrograms } from '../config/environment.ts';
import { readRunState } from '../config/run-state.ts';
import { Pm2App } from '../supervision/pm2-app.ts';
import type { ReplaceWorkersOptions } from '../supervision/replace-workers.ts';
import { runCommand } from '../supervision/run-command.ts';
import type { WorkerWatch } from '../supervision/worker-watch.ts';

export function replacementOptions(config: Config, watch: WorkerWatch): ReplaceWorkersOptions {
  const { places, timeouts, workers } = config;
  const path = join(places.runDir, 'replacement');
  return {
    workers,
    app: createApp(places.runDir),
    views: () => watch.views,
    serving: async () => {
      await watch.look();
      return watch.views.filter(({ state }) => state === 'ready').map(({ pid }) => pid);
    },
    bootMs: timeouts.bootMs,
    drainMs: timeouts.drainMs,
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

/** The colour that is live at that moment, in the daemon that this process runs under. */
function createApp(runDir: string): ReplaceWorkersOptions['app'] {
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
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
