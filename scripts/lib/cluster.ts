/** What every script that handles the cluster begins with: the configuration, and the PM2 homes in which ours may be. */
import { join, resolve } from 'node:path';
import { type Config, ConfigError } from '../../src/config/config.ts';
import { appName, outputDir } from '../../src/config/ecosystem.ts';
import { checkout, loadConfig, loadUsableConfig } from '../../src/config/environment.ts';
import { type LiveControl, liveControl } from '../../src/config/live-workers.ts';
import { type Colour, readRunState } from '../../src/config/run-state.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import { Pm2 } from './pm2-cli.ts';
import { type AskedWorker, askWorkers } from './worker-sockets.ts';

export interface Cluster {
  readonly config: Config;
  readonly colour: Colour;
  /** Name of the live app in PM2. */
  readonly app: string;
  /** Where the processes of this installation write; PM2 knows them by it. */
  readonly output: string;
  /** Our own home; a user's own daemon is never reached through it. */
  readonly pm2: Pm2;
}

/** Processes of ours that live, whoever watches them. */
export interface Living {
  readonly workers: readonly AskedWorker[];
  readonly control: LiveControl | undefined;
}

/** @throws ScriptFailure with every error of the configuration */
export function openCluster(): Cluster {
  try {
    return clusterOf(loadConfig());
  } catch (error) {
    if (error instanceof ConfigError) throw new ScriptFailure(exitCodes.badConfiguration, error.message);
    throw error;
  }
}

/** For what only looks and stops: what runs must be found although a setting is wrong by now. */
export function openClusterAnyway(): Cluster {
  const { config, problem } = loadUsableConfig();
  if (problem !== undefined) console.error(`Warning: ${problem.message}`);
  return clusterOf(config);
}

function clusterOf(config: Config): Cluster {
  const colour = readRunState(config.places.runDir)?.live ?? 'blue';
  const pm2 = pm2At(join(config.places.runDir, 'pm2'));
  return { config, colour, app: appName(colour), output: outputDir(config), pm2 };
}

export function pm2At(home: string): Pm2 {
  return new Pm2(resolve(home), checkout, process.env);
}

export async function livingOf({ config }: Pick<Cluster, 'config'>): Promise<Living> {
  const { runDir } = config.places;
  return { workers: await askWorkers(runDir), control: liveControl(runDir) };
}
