/** Starts the live app under PM2 and waits until every worker serves; what cannot come up is told early, with its last words. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../src/config/config.ts';
import { exportedSettings, outputDir } from '../../src/config/ecosystem.ts';
import { startedByVariable } from '../../src/config/start-lock-holder.ts';
import type { Cluster } from './cluster.ts';
import { plural } from './describe.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import { lastWords, sizeOf } from './last-words.ts';
import type { Pm2Answer } from './pm2-cli.ts';
import { askWorkers, type WorkerState } from './worker-sockets.ts';

const pollMs = 50;
/** Asking PM2 costs a process; a start that goes well is over before the first question. */
const askPm2EveryMs = 1500;
const marginMs = 15_000;
const lastLines = 12;

/**
 * @param changes of settings, on top of what is exported
 * @throws ScriptFailure; whatever was started is still there then
 */
export async function launch(
  cluster: Cluster,
  changes: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<WorkerState[]> {
  const { config, pm2, app } = cluster;
  const errorFile = join(outputDir(config), `${app}-error.log`);
  const errorStart = sizeOf(errorFile);
  const command = pm2.run(['start', 'ecosystem.config.js'], {
    ...exportedSettings(process.env),
    ...changes,
    [startedByVariable]: String(process.pid),
  });
  const given: { answer?: Pm2Answer } = {};
  const noted = command.then(answer => Object.assign(given, { answer }));
  const deadline = performance.now() + startLimitMs(config);
  let askPm2At = performance.now() + askPm2EveryMs;
  try {
    for (;;) {
      const ready = await readyWorkers(config.places.runDir);
      const { answer } = given;
      if (ready.length >= config.workers && answer !== undefined) return ready;
      if (signal.aborted) throw new ScriptFailure(exitCodes.interrupted, 'Interrupted.');
      if (answer !== undefined && answer.code !== 0) throw refusedBy(answer);
      const late = performance.now() > deadline;
      if (late || performance.now() > askPm2At) {
        const sick = await sickness(cluster);
        const reason = late ? `only ${ready.length} of ${config.workers} workers were ready in time` : sick;
        if (reason !== undefined) throw failedStart(sick ?? reason, errorFile, errorStart);
        askPm2At = performance.now() + askPm2EveryMs;
      }
      await sleep(pollMs);
    }
  } finally {
    await noted;
  }
}

/** PM2 starts the next worker when the one before is ready: each of them may take its whole time. */
export function startLimitMs({ workers, timeouts }: Pick<Config, 'workers' | 'timeouts'>): number {
  return workers * timeouts.bootMs + marginMs;
}

async function readyWorkers(runDir: string): Promise<WorkerState[]> {
  const asked = await askWorkers(runDir);
  return asked.flatMap(({ answer }) => (answer?.state === 'ready' ? [answer] : []));
}

/** A worker that had to be started twice will not serve at the third time either. */
async function sickness({ config, pm2, app }: Cluster): Promise<string | undefined> {
  for (const { name, status, restarts } of await pm2.list(outputDir(config))) {
    if (name !== app) continue;
    if (restarts > 0) return `a worker exited before it was ready (${plural(restarts, 'restart')})`;
    if (status === 'errored' || status === 'stopped') return `a worker is ${status}`;
  }
  return undefined;
}

function failedStart(reason: string, errorFile: string, errorStart: number): ScriptFailure {
  const lines = [`The start failed: ${reason}.`, ...lastWords(errorFile, errorStart, lastLines)];
  return new ScriptFailure(exitCodes.failed, lines.join('\n'));
}

function refusedBy({ code, output }: Pm2Answer): ScriptFailure {
  const passedOn = [exitCodes.badConfiguration, exitCodes.preflight, exitCodes.lockHeld].find(known => known === code);
  const exitCode = passedOn ?? exitCodes.failed;
  return new ScriptFailure(exitCode, `PM2 did not start the workers:\n${output.trim()}`);
}
