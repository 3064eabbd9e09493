/** Takes the workers out of PM2, which lets them drain, and ends the daemon when it is our own. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../../src/config/live-workers.ts';
import type { Pm2 } from './pm2-cli.ts';

const daemonExitMs = 10_000;
const pollMs = 50;

/** @returns how many processes were taken out */
export async function deleteApps(pm2: Pm2): Promise<number> {
  const processes = await pm2.list();
  const names = [...new Set(processes.map(({ name }) => name))];
  if (names.length === 0) return 0;
  const { code, output } = await pm2.run(['delete', ...names]);
  if (code !== 0) throw new Error(`PM2 did not delete ${names.join(', ')}:\n${output.trim()}`);
  return processes.length;
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

async function exitOf(pid: number): Promise<void> {
  const deadline = performance.now() + daemonExitMs;
  while (isRunning(pid) && performance.now() < deadline) await sleep(pollMs);
}
