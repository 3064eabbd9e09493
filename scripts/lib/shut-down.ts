/** Takes the workers out of PM2, which lets them drain, and ends the daemon when it is our own. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWorker, liveControl } from '../../src/config/live-workers.ts';
import { controlName, isOwnApp } from '../../src/config/own-app.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { plural } from './describe.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import type { Pm2, Pm2Process } from './pm2-cli.ts';
import { type AskedWorker, askControl, askWorkers } from './worker-sockets.ts';

const daemonExitMs = 10_000;
const pollMs = 50;
/** PM2 decides to start a process again, and then starts it: between the two it is on no list. */
const restartMs = 500;
const attempts = 5;
/** How long one that does not answer is given to leave before it is asked. */
const silentMs = 3000;

export interface Ended {
  readonly workers: number;
  readonly control: number;
}

/**
 * A process that PM2 is just starting again survives its own deletion, so it is looked for once more.
 * @param output where the processes write that are meant: others in this daemon are not ours
 * @returns how many were taken out
 */
export async function deleteApps(pm2: Pm2, output: string): Promise<Ended> {
  const ownOf = (all: readonly Pm2Process[]): Pm2Process[] => all.filter(app => isOwnApp(app, output));
  let all = await pm2.listAll();
  const first = ownOf(all);
  let left: readonly Pm2Process[] = first;
  for (let attempt = 0; left.length > 0; attempt++) {
    const words = await deleteOnce(pm2, deletions(left, all));
    if (left.some(({ restarts }) => restarts > 0)) await sleep(restartMs);
    // Asking PM2 costs a process, so once for both.
    all = await pm2.listAll();
    left = ownOf(all);
    if (left.length > 0 && attempt >= attempts) throw new Error(`PM2 did not delete our processes:\n${words}`);
  }
  const workers = first.filter(({ name }) => name !== controlName).length;
  return { workers, control: first.length - workers };
}

async function deleteOnce(pm2: Pm2, commands: readonly string[][]): Promise<string> {
  const answers = await Promise.all(commands.map(async targets => pm2.run(['delete', ...targets])));
  return answers.map(({ output }) => output.trim()).join('\n');
}

/**
 * Several under one name drain at the same time, which PM2 does only for a name; so a name stands for all of its processes
 * where it is ours alone. Where somebody else uses it too, each of ours is named by its number, in a command of its own.
 */
export function deletions(own: readonly Pm2Process[], all: readonly Pm2Process[]): string[][] {
  const ids = new Set(own.map(({ id }) => id));
  const shared = new Set(all.filter(({ id }) => !ids.has(id)).flatMap(({ name, namespace }) => [name, namespace]));
  const names = [...new Set(own.map(({ name }) => name))].filter(name => !shared.has(name));
  const numbered = own.filter(({ name }) => shared.has(name)).map(({ id }) => [String(id)]);
  return [...(names.length === 0 ? [] : [names]), ...numbered];
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
 * Processes that no daemon watches: theirs was killed, and they are on their way out on their own. Called when no daemon has
 * any left; everything that still lives in the run folder is one of them.
 * @returns how many have ended
 * @throws ScriptFailure with the pids of those that have not ended in time
 */
export async function endOrphans(runDir: string, limitMs: number): Promise<Ended> {
  const deadline = performance.now() + limitMs;
  const orphans = await askWorkers(runDir);
  const control = liveControl(runDir)?.pid;
  for (const orphan of orphans) askToLeave(orphan);
  // One that does not answer may be leaving already, and asked twice it would leave its work undone.
  let isAsked = control === undefined;
  const ask = (): void => {
    if (control !== undefined && !isAsked) interrupt(control);
    isAsked = true;
  };
  if ((await askControl(runDir))?.state === 'ready') ask();
  const askLateAt = performance.now() + silentMs;
  const pids = orphans.map(({ worker }) => worker.pid);
  const left = (): number[] => [
    ...pids.filter(isWorker),
    ...(control !== undefined && liveControl(runDir)?.pid === control ? [control] : []),
  ];
  if (left().length > 0) console.log(`Waiting for ${nouns(pids.length, control)} without a PM2 daemon ...`);
  while (left().length > 0 && performance.now() < deadline) {
    await sleep(pollMs);
    if (performance.now() > askLateAt) ask();
  }
  const stuck = left();
  if (stuck.length === 0) return { workers: pids.length, control: control === undefined ? 0 : 1 };
  const stuckControl = stuck.find(pid => pid === control);
  const words = nouns(stuck.length - (stuckControl === undefined ? 0 : 1), stuckControl);
  throw new ScriptFailure(exitCodes.failed, `${words} did not end in time: kill -9 ${stuck.join(' ')} ends the rest.`);
}

function nouns(workers: number, control: number | undefined): string {
  const named = [...(workers > 0 ? [plural(workers, 'worker')] : []), ...(control === undefined ? [] : ['control'])];
  return named.join(' and ');
}

/** Asked twice, a worker leaves at once and cuts its streams. One that does not answer may be leaving already. */
function askToLeave({ worker, answer }: AskedWorker): void {
  if (answer !== undefined && answer.state !== 'draining') interrupt(worker.pid);
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function exitOf(pid: number): Promise<void> {
  const deadline = performance.now() + daemonExitMs;
  while (isRunning(pid) && performance.now() < deadline) await sleep(pollMs);
}
