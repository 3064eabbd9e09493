/** `npm stop`: lets the workers finish what they are doing and ends them, wherever they were started. */
import { resolve } from 'node:path';
import { liveControl, liveWorkers } from '../src/config/live-workers.ts';
import { type Cluster, type Living, livingOf, openClusterAnyway, pm2At } from './lib/cluster.ts';
import { plural } from './lib/describe.ts';
import { exitCodes } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { removeHotFiles } from './lib/hot-files.ts';
import { runScript } from './lib/output.ts';
import { usedHomes } from './lib/pm2-homes.ts';
import { deleteApps, type Ended, endOrphans, killDaemon } from './lib/shut-down.ts';
import { removeRunState } from './lib/state-file.ts';

const usage = `Usage: npm stop
Lets running streams finish, for DRAIN_TIMEOUT at most, and stops the cluster. Does nothing when it does not run.
  --help    print this`;

/** Behind the drain: error frames, log files, upstream connections. */
const leavingMs = 15_000;

async function main(): Promise<number> {
  if (readFlags(usage, []) === undefined) return exitCodes.done;
  const cluster = openClusterAnyway();
  const { config, pm2 } = cluster;
  const { places, timeouts } = config;
  const living = await livingOf(cluster);
  tellWhatIsWaitedFor(living, timeouts.drainMs);
  const ended: Ended[] = await stopWatched(cluster, living);
  await killDaemon(pm2);
  ended.push(await endOrphans(places.runDir, timeouts.drainMs + leavingMs));
  removeRunState(places.runDir);
  // What they share is removed when nobody shares it any more.
  if (liveWorkers(places.runDir).length === 0 && liveControl(places.runDir) === undefined) removeHotFiles(places);
  console.log(sentence(ended));
  return exitCodes.done;
}

function tellWhatIsWaitedFor({ workers }: Living, drainMs: number): void {
  const active = workers.reduce((sum, { answer }) => sum + (answer?.active ?? 0), 0);
  if (active > 0) console.log(`Waiting for ${plural(active, 'request')}, ${drainMs / 1000}s at most ...`);
}

/** A daemon of the user's own runs other things too: only our apps leave it. */
async function stopWatched(cluster: Cluster, living: Living): Promise<Ended[]> {
  const ended: Ended[] = [];
  for (const { home } of await usedHomes(cluster, living)) {
    if (home !== resolve(cluster.pm2.home))
      console.log(`Deci runs under the PM2 home ${home}: only its own apps are taken out.`);
    ended.push(await deleteApps(pm2At(home), cluster.output));
  }
  return ended;
}

function sentence(ended: readonly Ended[]): string {
  const workers = ended.reduce((sum, part) => sum + part.workers, 0);
  const control = ended.some(part => part.control > 0);
  if (workers > 0) return `Stopped ${plural(workers, 'worker')}.`;
  return control ? 'Stopped control; no worker was there.' : 'Deci does not run.';
}

await runScript(main);
