/** `npm start`: checks, starts the workers under our own PM2, waits until each of them serves, and says where. */
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../src/config/config.ts';
import { checkout, readSettingTexts, readVersion } from '../src/config/environment.ts';
import { elsewhereSentence } from '../src/config/load-ecosystem.ts';
import { changedSettings, type RunState, readRunState, type TakenPort } from '../src/config/run-state.ts';
import { type ChosenPort, changedPort, choosePort, describePort, describeTaken, logTaken } from './lib/choose-port.ts';
import { type Cluster, livingOf, openCluster } from './lib/cluster.ts';
import { describeRestart, describeUpstream, plural, upstreamsOf } from './lib/describe.ts';
import { exitCodes, ScriptFailure } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { launch } from './lib/launch.ts';
import { Output, runScript } from './lib/output.ts';
import { foreignHomes, usedHomes } from './lib/pm2-homes.ts';
import { checkKeyFile, preparePlaces } from './lib/preflight.ts';
import { deleteApps, killDaemon } from './lib/shut-down.ts';
import { takeStartLock } from './lib/start-lock.ts';
import { forgetCrashes, removeRunState, writeRunState } from './lib/state-file.ts';
import { warmCode } from './lib/warm-code.ts';
import { askControl, type ControlState, urlOf, type WorkerState } from './lib/worker-sockets.ts';

const usage = `Usage: npm start [-- OPTION...]     (or scripts/start-production.sh OPTION...)
Starts the cluster and waits until every worker serves. Does nothing when it already runs.
  --json           print what runs as one JSON object, and nothing else on stdout
  --port-fallback  take the next free port when PORT is taken, and say so
  --help           print this
Exit codes: 0 runs, 1 could not be started, 2 usage, 3 refused before anything was changed,
4 another start is under way, 78 bad configuration.`;

const controlMs = 5000;
const askAgainMs = 100;

async function main(): Promise<number> {
  const flags = readFlags(usage, ['json', 'port-fallback']);
  if (flags === undefined) return exitCodes.done;
  const out = new Output({ quiet: flags.json, steps: 6 });
  const cluster = await checked(out);
  const lock = takeStartLock(cluster.config.places.runDir);
  try {
    const running = await alreadyRunning(cluster);
    if (running.length > 0) for (const line of unchangedWords(cluster)) out.line(line);
    const isNew = running.length === 0;
    const { workers, insteadOf } = isNew
      ? await started(cluster, flags['port-fallback'], out)
      : asBefore(cluster, running);
    const state = saveState(cluster, workers, { isNew, insteadOf });
    if (flags.json) console.log(JSON.stringify(state));
    else await tell(cluster, state, workers);
    return exitCodes.done;
  } finally {
    lock.release();
  }
}

async function checked(out: Output): Promise<Cluster> {
  const cluster = openCluster();
  const { config } = cluster;
  await out.step('Configuration', () => plural(config.workers, 'worker'));
  await out.step('Folders', () => preparePlaces(config));
  const warning = checkKeyFile(config.places.dataDir);
  if (warning !== undefined) console.error(warning);
  return cluster;
}

async function alreadyRunning(cluster: Cluster): Promise<WorkerState[]> {
  const living = await livingOf(cluster);
  const listed = living.workers.length > 0 ? [] : await usedHomes(cluster, living);
  const homes = [...foreignHomes(cluster, living), ...listed.map(({ home }) => home)];
  // Its processes may all be dead at this moment, and be started again in the next.
  const elsewhere = homes.find(home => home !== resolve(cluster.pm2.home));
  if (elsewhere !== undefined) throw new ScriptFailure(exitCodes.preflight, elsewhereSentence(elsewhere));
  return living.workers.flatMap(({ answer }) => (answer?.state === 'ready' ? [answer] : []));
}

function unchangedWords({ config }: Cluster): string[] {
  const then = readRunState(config.places.runDir)?.settings;
  const changed = then === undefined ? [] : changedSettings(then, readSettingTexts());
  const words = `Settings changed since it was started (${changed.join(', ')}): npm stop && npm start uses them.`;
  return ['Deci already runs; nothing was restarted.', ...(changed.length > 0 ? [words] : [])];
}

interface Started {
  readonly workers: readonly WorkerState[];
  readonly insteadOf: TakenPort | undefined;
}

function asBefore({ config }: Cluster, workers: readonly WorkerState[]): Started {
  return { workers, insteadOf: readRunState(config.places.runDir)?.instead_of };
}

async function started(cluster: Cluster, orNextPort: boolean, out: Output): Promise<Started> {
  const { config, pm2, output } = cluster;
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  process.once('SIGTERM', () => interrupt.abort());
  let chosen: ChosenPort = { port: 0 };
  await out.step('Port', async () => {
    chosen = await choosePort(config, orNextPort);
    return describePort(chosen);
  });
  let workers: WorkerState[] = [];
  try {
    await out.step('PM2', async () => {
      // What is left of an earlier run, all of it stopped or failing, would make PM2 restart it instead.
      if (await pm2.isUp()) await deleteApps(pm2, output);
      else await pm2.run(['ping']);
      return pm2.home;
    });
    await out.step('Workers', async () => {
      forgetCrashes(config.places.runDir);
      await warmCode(checkout, config.places.runDir, readVersion(checkout));
      workers = await launch(cluster, changedPort(chosen), interrupt.signal);
      return `${workers.length} of ${config.workers} ready`;
    });
    await out.step('Saved', async () => {
      const { code } = await pm2.run(['save', '--force']);
      return code === 0 ? '' : 'not saved: pm2 resurrect would bring nothing back';
    });
  } catch (error) {
    await undo(cluster);
    throw error;
  }
  await logTaken(config, chosen);
  return { workers, insteadOf: chosen.insteadOf };
}

/** A start that failed leaves nothing; what cannot be undone must not hide why it failed. */
async function undo({ config, pm2, output }: Cluster): Promise<void> {
  try {
    await deleteApps(pm2, output);
  } catch (error) {
    console.error(String(error));
  }
  await killDaemon(pm2);
  removeRunState(config.places.runDir);
}

function saveState(
  { config, colour, pm2 }: Cluster,
  workers: readonly WorkerState[],
  { isNew, insteadOf }: { readonly isNew: boolean; readonly insteadOf: TakenPort | undefined },
): RunState {
  const [first] = workers;
  if (first === undefined) throw new Error('no worker to tell of');
  const settings = isNew ? readSettingTexts() : readRunState(config.places.runDir)?.settings;
  const state: RunState = {
    url: urlOf(first),
    live: colour,
    release: readVersion(checkout),
    pm2_home: pm2.home,
    pids: workers.map(({ pid }) => pid),
    started_at: workers.map(worker => worker.started_at).toSorted()[0] ?? first.started_at,
    ...(insteadOf === undefined ? {} : { instead_of: insteadOf }),
    ...(settings === undefined ? {} : { settings }),
  };
  writeRunState(config.places.runDir, state);
  return state;
}

async function tell(cluster: Cluster, state: RunState, workers: readonly WorkerState[]): Promise<void> {
  const { dataDir, runDir } = cluster.config.places;
  const control = await controlThatHasLooked(runDir);
  console.log('');
  console.log(`Deci ${state.release} serves on ${state.url} with ${plural(workers.length, 'worker')}.`);
  if (state.instead_of !== undefined)
    console.log(`Port     ${new URL(state.url).port} ${describeTaken(state.instead_of)}`);
  for (const upstream of upstreamsOf(workers)) console.log(`Ollama   ${describeUpstream(upstream)}`);
  const restart = control?.ollama_restart ?? null;
  if (restart !== null) console.log(`         ${describeRestart(restart)}`);
  console.log(`Control  ${control === undefined ? 'does not answer yet: npm run logs' : control.state}`);
  console.log(`Key      ${join(dataDir, 'admin-key')} (for whatever changes models or settings)`);
  console.log(`Next     npm run status`);
  console.log(`         ${curlExample(cluster.config, state.url)}`);
  console.log(`         npm stop`);
}

/** Nobody waits long for it: serving needs neither control nor what it looks for. */
async function controlThatHasLooked(runDir: string): Promise<ControlState | undefined> {
  const untilMs = performance.now() + controlMs;
  for (;;) {
    const control = await askControl(runDir);
    if ((control?.ollama_restart ?? null) !== null || performance.now() >= untilMs) return control;
    await delay(askAgainMs);
  }
}

function curlExample({ anonymousRole, places }: Config, url: string): string {
  const example = new URL('/api/tags', url);
  // It listens everywhere; nobody can be asked there.
  const reachable: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };
  example.hostname = reachable[example.hostname] ?? example.hostname;
  const key = ` -H "Authorization: Bearer $(cat ${join(places.dataDir, 'admin-key')})"`;
  return `curl ${example.href}${anonymousRole === undefined ? key : ''}`;
}

await runScript(main);
