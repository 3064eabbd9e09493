/** `npm stop`: lets the workers finish what they are doing and ends them, wherever they were started. */
import { foreignHomes, openCluster, pm2At, workersOf } from './lib/cluster.ts';
import { plural } from './lib/describe.ts';
import { exitCodes } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { removeHotFiles } from './lib/hot-files.ts';
import { runScript } from './lib/output.ts';
import { deleteApps, endOrphans, killDaemon } from './lib/shut-down.ts';
import { removeRunState } from './lib/state-file.ts';

const usage = `Usage: npm stop
Lets running streams finish, for DRAIN_TIMEOUT at most, and stops the cluster. Does nothing when it does not run.
  --help    print this`;

/** Behind the drain: error frames, log files, upstream connections. */
const leavingMs = 15_000;

async function main(): Promise<number> {
  if (readFlags(usage, []) === undefined) return exitCodes.done;
  const cluster = openCluster();
  const { config, pm2 } = cluster;
  const workers = await workersOf(cluster);
  const active = workers.reduce((sum, { answer }) => sum + (answer?.active ?? 0), 0);
  if (active > 0) {
    console.log(`Waiting for ${plural(active, 'request')}, ${config.timeouts.drainMs / 1000}s at most ...`);
  }
  // A daemon of the user's own runs other things too: only our apps leave it.
  let stopped = 0;
  for (const home of foreignHomes(cluster, workers)) stopped += await deleteApps(pm2At(home));
  stopped += await deleteApps(pm2);
  await killDaemon(pm2);
  stopped += await endOrphans(config.places.runDir, config.timeouts.drainMs + leavingMs);
  removeRunState(config.places.runDir);
  removeHotFiles(config.places);
  console.log(stopped > 0 ? `Stopped ${plural(stopped, 'worker')}.` : 'Deci does not run.');
  return exitCodes.done;
}

await runScript(main);
