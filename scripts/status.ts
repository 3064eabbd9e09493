/** `npm run status`: what runs, told by the workers themselves; also a cluster that lives in the user's own PM2 daemon. */

import { checkout, readVersion } from '../src/config/environment.ts';
import { controlName } from '../src/config/own-app.ts';
import { readRunState, type TakenPort } from '../src/config/run-state.ts';
import { describeTaken } from './lib/choose-port.ts';
import { type Cluster, type Living, livingOf, openClusterAnyway } from './lib/cluster.ts';
import { describeUpstream, duration, upstreamsOf } from './lib/describe.ts';
import { exitCodes } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { lastWords } from './lib/last-words.ts';
import { runScript } from './lib/output.ts';
import type { Pm2Process } from './lib/pm2-cli.ts';
import { foreignHomes, type UsedHome, usedHomes } from './lib/pm2-homes.ts';
import { residentBytes } from './lib/resident-bytes.ts';
import {
  type AskedWorker,
  askControl,
  type ControlState,
  type UpstreamState,
  urlOf,
  type WorkerState,
} from './lib/worker-sockets.ts';

const usage = `Usage: npm run status [-- OPTION...]
Shows what runs. Exit code 0 when a worker serves, 3 when none does. What is wrong in the configuration is a warning.
  --json    print one JSON object
  --help    print this`;

const gaveUp = new Set(['errored', 'stopped']);
const lastLines = 3;

interface WorkerRow {
  readonly pid: number;
  readonly colour: string;
  readonly state: string;
  readonly active: number | null;
  readonly uptime_ms: number | null;
  readonly restarts: number | null;
  readonly memory_bytes: number | null;
}

interface Status {
  readonly running: boolean;
  readonly url: string | null;
  /** The port that was set and not to be had; null where it serves on the one that was set. */
  readonly instead_of: TakenPort | null;
  readonly live: string | null;
  readonly release: string;
  readonly pm2_home: string | null;
  readonly workers: readonly WorkerRow[];
  /** Null when it does not answer; serving does not need it. */
  readonly control: ControlState | null;
  readonly upstreams: readonly UpstreamState[];
  /** Why what PM2 has does not serve, in lines; empty when a worker serves, and when nothing is there. */
  readonly trouble: readonly string[];
}

async function main(): Promise<number> {
  const flags = readFlags(usage, ['json']);
  if (flags === undefined) return exitCodes.done;
  const status = await readStatus(openClusterAnyway());
  if (flags.json) console.log(JSON.stringify(status));
  else for (const line of describe(status)) console.log(line);
  return status.running ? exitCodes.done : exitCodes.preflight;
}

async function readStatus(cluster: Cluster): Promise<Status> {
  const { runDir } = cluster.config.places;
  const [living, control] = await Promise.all([livingOf(cluster), askControl(runDir)]);
  const { workers } = living;
  const [used] = await usedHomes(cluster, living);
  const processes = used?.processes ?? [];
  const answers = workers.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const serving = answers.find(({ state }) => state === 'ready');
  const failed = processes
    .filter(({ name, pid }) => name !== controlName && !workers.some(({ worker }) => worker.pid === pid))
    .map(failedRow);
  return {
    running: serving !== undefined,
    url: serving === undefined ? null : urlOf(serving),
    instead_of: takenPort(runDir, serving),
    live: serving?.colour ?? null,
    release: serving?.version ?? readVersion(checkout),
    pm2_home: homeOf(cluster, living, used),
    workers: [...workers.map(worker => workerRow(worker, processes)), ...failed],
    control: control ?? null,
    upstreams: upstreamsOf(answers),
    trouble: serving === undefined ? troubleOf(used, living.control?.pid) : [],
  };
}

function takenPort(runDir: string, serving: WorkerState | undefined): TakenPort | null {
  return serving === undefined ? null : (readRunState(runDir)?.instead_of ?? null);
}

/** @returns null when nothing of ours is anywhere */
function homeOf(cluster: Cluster, living: Living, used: UsedHome | undefined): string | null {
  if (used !== undefined) return used.home;
  if (living.workers.length === 0 && living.control === undefined) return null;
  return foreignHomes(cluster, living)[0] ?? cluster.pm2.home;
}

/** Nothing serves: whether something tries, where, and what it said last. */
function troubleOf(used: UsedHome | undefined, control: number | undefined): string[] {
  const workers = used?.processes.filter(({ name }) => name !== controlName) ?? [];
  const failing = workers.find(({ restarts, status }) => restarts > 0 || gaveUp.has(status));
  const end = 'npm stop ends it.';
  if (used !== undefined && failing !== undefined) {
    const state = gaveUp.has(failing.status) ? `are ${failing.status}` : 'keep failing';
    return [
      `Its workers ${state} under the PM2 home ${used.home}; ${end}`,
      ...lastWords(failing.errorFile, 0, lastLines),
    ];
  }
  if (workers.length > 0) return ['Its workers are on their way.'];
  return control === undefined ? [] : [`Control lives (pid ${control}), and no worker does; ${end}`];
}

function workerRow({ worker, answer }: AskedWorker, processes: readonly Pm2Process[]): WorkerRow {
  const { pid, colour } = worker;
  return {
    pid,
    colour,
    state: answer?.state ?? 'not answering',
    active: answer?.active ?? null,
    uptime_ms: answer === undefined ? null : Date.now() - Date.parse(answer.started_at),
    restarts: processes.find(process => process.pid === pid)?.restarts ?? null,
    memory_bytes: residentBytes(pid),
  };
}

/** What PM2 has on its list and no socket belongs to: it is starting, leaving, or given up. */
function failedRow({ name, pid, status, restarts }: Pm2Process): WorkerRow {
  const colour = name.replace('deci-', '');
  return { pid, colour, state: status, active: null, uptime_ms: null, restarts, memory_bytes: null };
}

function describe(status: Status): string[] {
  const { running, url, live, release, pm2_home, workers, control, upstreams, trouble } = status;
  const advice = trouble.length > 0 ? trouble : ['Start it with npm start.'];
  const lines = running
    ? [`Deci ${release} serves on ${url} (${live}, PM2 home ${pm2_home}).`]
    : [`Deci ${release} does not serve. ${advice[0]}`, ...advice.slice(1)];
  lines.push(...portLines(status));
  for (const { pid, colour, state, active, uptime_ms, restarts, memory_bytes } of workers) {
    const facts = [
      `${colour} ${pid || '-'}`.padEnd(15),
      state.padEnd(9),
      `up ${uptime_ms === null ? '-' : duration(uptime_ms)}`.padEnd(11),
      `restarts ${restarts ?? '-'}`,
      `memory ${memory_bytes === null ? '-' : `${Math.round(memory_bytes / 1024 ** 2)} MB`}`,
      `active ${active ?? '-'}`,
    ];
    lines.push(`Worker   ${facts.join('  ')}`);
  }
  if (running) lines.push(`Control  ${describeControl(control)}`);
  for (const upstream of upstreams) lines.push(`Ollama   ${describeUpstream(upstream)}`);
  return lines;
}

function portLines({ url, instead_of: insteadOf }: Status): string[] {
  return insteadOf === null || url === null ? [] : [`Port     ${new URL(url).port} ${describeTaken(insteadOf)}`];
}

function describeControl(control: ControlState | null): string {
  if (control === null) return 'does not answer; requests are served without it, nothing heals until it is back';
  const { pid, state, started_at } = control;
  return `${pid}`.padEnd(15) + `  ${state.padEnd(9)}  up ${duration(Date.now() - Date.parse(started_at))}`;
}

await runScript(main);
