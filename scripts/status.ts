/** `npm run status`: what runs, told by the workers themselves; also a cluster that lives in the user's own PM2 daemon. */
import { controlName } from '../src/config/ecosystem.ts';
import { checkout, readVersion } from '../src/config/environment.ts';
import { type Cluster, foreignHomes, openCluster, pm2At, workersOf } from './lib/cluster.ts';
import { describeUpstream, duration, upstreamsOf } from './lib/describe.ts';
import { exitCodes } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { runScript } from './lib/output.ts';
import type { Pm2Process } from './lib/pm2-cli.ts';
import { residentBytes } from './lib/resident-bytes.ts';
import { type AskedWorker, askControl, type ControlState, type UpstreamState, urlOf } from './lib/worker-sockets.ts';

const usage = `Usage: npm run status [-- OPTION...]
Shows what runs. Exit code 0 when a worker serves, 3 when none does, 78 when the configuration is not valid.
  --json    print one JSON object
  --help    print this`;

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
  readonly live: string | null;
  readonly release: string;
  readonly pm2_home: string | null;
  readonly workers: readonly WorkerRow[];
  /** Null when it does not answer; serving does not need it. */
  readonly control: ControlState | null;
  readonly upstreams: readonly UpstreamState[];
}

async function main(): Promise<number> {
  const flags = readFlags(usage, ['json']);
  if (flags === undefined) return exitCodes.done;
  const status = await readStatus(openCluster());
  if (flags.json) console.log(JSON.stringify(status));
  else for (const line of describe(status)) console.log(line);
  return status.running ? exitCodes.done : exitCodes.preflight;
}

async function readStatus(cluster: Cluster): Promise<Status> {
  const [workers, control] = await Promise.all([workersOf(cluster), askControl(cluster.config.places.runDir)]);
  const [home = cluster.pm2.home] = foreignHomes(cluster, workers);
  const processes = await pm2At(home).list();
  const answers = workers.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const serving = answers.find(({ state }) => state === 'ready');
  const failed = processes
    .filter(({ name, pid }) => name !== controlName && !workers.some(({ worker }) => worker.pid === pid))
    .map(failedRow);
  return {
    running: serving !== undefined,
    url: serving === undefined ? null : urlOf(serving),
    live: serving?.colour ?? null,
    release: serving?.version ?? readVersion(checkout),
    pm2_home: workers.length + processes.length > 0 ? home : null,
    workers: [...workers.map(worker => workerRow(worker, processes)), ...failed],
    control: control ?? null,
    upstreams: upstreamsOf(answers),
  };
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

function describe({ running, url, live, release, pm2_home, workers, control, upstreams }: Status): string[] {
  const lines = running
    ? [`Deci ${release} serves on ${url} (${live}, PM2 home ${pm2_home}).`]
    : [`Deci ${release} does not serve. Start it with npm start.`];
  for (const { pid, colour, state, active, uptime_ms, restarts, memory_bytes } of workers) {
    const facts = [
      `${colour} ${pid || '-'}`.padEnd(15),
      state.padEnd(9),
      `up ${uptime_ms === null ? '-' : duration(uptime_ms)}`.padEnd(11),
      `restarts ${restarts ?? '-'}`,
      `memory ${memory_bytes === null ? '-' : `${Math.round(memory_bytes / 1024 ** 2)} MB`}`,
      `requests ${active ?? '-'}`,
    ];
    lines.push(`Worker   ${facts.join('  ')}`);
  }
  if (running) lines.push(`Control  ${describeControl(control)}`);
  for (const upstream of upstreams) lines.push(`Ollama   ${describeUpstream(upstream)}`);
  return lines;
}

function describeControl(control: ControlState | null): string {
  if (control === null) return 'does not answer; requests are served without it, nothing heals until it is back';
  const { pid, state, started_at } = control;
  return `${pid}`.padEnd(15) + `  ${state.padEnd(9)}  up ${duration(Date.now() - Date.parse(started_at))}`;
}

await runScript(main);
