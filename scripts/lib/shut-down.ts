/** Takes the workers out of PM2, which lets them drain, and ends the daemon when it is our own. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlName } from '../../src/config/ecosystem.ts';
import { isWorker } from '../../src/config/live-workers.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { plural } from './describe.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import type { Pm2 } from './pm2-cli.ts';
import { type AskedWorker, askWorkers } from './worker-sockets.ts';

const daemonExitMs = 10_000;
const pollMs = 50;

/** @returns how many workers were taken out; control goes with them */
export async function deleteApps(pm2: Pm2): Promise<number> {
  const processes = await pm2.list();
  const names = [...new Set(processes.map(({ name }) => name))];
  if (names.length === 0) return 0;
  const { code, output } = await pm2.run(['delete', ...names]);
  if (code !== 0) throw new Error(`PM2 did not delete ${names.join(', ')}:\n${output.trim()}`);
  return processes.filter(({ name }) => name !== controlName).length;
}

/** Only for a home of ours: everything in that daemon goes with it. */
export async function killDaemon(pm2: Pm2): Promise<boolean> {
  if (!(await pm2.isUp())) return false;
  const pid = pm2.daemonPid();
  await pm2.run(['kill']);
  if (pid !== undefined) await exitOf(pid);
  // What it would bring back at its next start is over.
  rmSync(join(pm2.home, 'dump.pm2'), { force: true });
  return true;
}

/**
 * Workers that no daemon watches: theirs was killed, and they are on their way out on their own. Called when no daemon has any
 * left; everything that still lives in the run folder is one of them.
 * @returns how many have ended
 * @throws ScriptFailure with the pids of those that have not ended in time
 */
export async function endOrphans(runDir: string, limitMs: number): Promise<number> {
  const deadline = performance.now() + limitMs;
  const orphans = await askWorkers(runDir);
  for (const orphan of orphans) askToLeave(orphan);
  const pids = orphans.map(({ worker }) => worker.pid);
  if (pids.length > 0) console.log(`Waiting for ${plural(pids.length, 'worker')} without a PM2 daemon ...`);
  while (pids.some(isWorker) && performance.now() < deadline) await sleep(pollMs);
  const left = pids.filter(isWorker);
  if (left.length === 0) return pids.length;
  const words = `${plural(left.length, 'worker')} did not end in time: kill -9 ${left.join(' ')} ends the rest.`;
  throw new ScriptFailure(exitCodes.failed, words);
}

/** Asked twice, a worker leaves at once and cuts its streams. One that does not answer may be leaving already. */
function askToLeave({ worker, answer }: AskedWorker): void {
  if (answer === undefined || answer.state === 'draining') return;
  try {
    process.kill(worker.pid, 'SIGINT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function exitOf(pid: number): Promise<void> {
  const deadline = performance.now() + daemonExitMs;
  while (isRunning(pid) && performance.now() < deadline) await sleep(pollMs);
}
