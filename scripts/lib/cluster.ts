/** What every script that handles the cluster begins with: the configuration, and the PM2 home that is ours. */
import { join, resolve } from 'node:path';
import { type Config, ConfigError } from '../../src/config/config.ts';
import { appName } from '../../src/config/ecosystem.ts';
import { checkout, loadConfig } from '../../src/config/environment.ts';
import { type Colour, readRunState } from '../../src/config/run-state.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import { Pm2 } from './pm2-cli.ts';
import { type AskedWorker, askWorkers } from './worker-sockets.ts';

export interface Cluster {
  readonly config: Config;
  readonly colour: Colour;
  /** Name of the live app in PM2. */
  readonly app: string;
  /** Our own home; a user's own daemon is never reached through it. */
  readonly pm2: Pm2;
}

/** @throws ScriptFailure with every error of the configuration */
export function openCluster(): Cluster {
  try {
    const config = loadConfig();
    const colour = readRunState(config.places.runDir)?.live ?? 'blue';
    return { config, colour, app: appName(colour), pm2: pm2At(join(config.places.runDir, 'pm2')) };
  } catch (error) {
    if (error instanceof ConfigError) throw new ScriptFailure(exitCodes.badConfiguration, error.message);
    throw error;
  }
}

export function pm2At(home: string): Pm2 {
  return new Pm2(home, checkout, process.env);
}

/** The PM2 homes, other than ours, under which workers live. */
export function foreignHomes({ config, pm2 }: Cluster, workers: readonly AskedWorker[]): string[] {
  const stated = readRunState(config.places.runDir)?.pm2_home;
  const homes = workers.map(({ worker }) => worker.pm2Home ?? stated ?? pm2.home);
  return [...new Set(homes.map(home => resolve(home)))].filter(home => home !== resolve(pm2.home));
}

export async function workersOf({ config }: Cluster): Promise<AskedWorker[]> {
  return askWorkers(config.places.runDir);
}
