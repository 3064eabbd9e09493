/** What `ecosystem.config.js` exports: reads the environment, makes the private folders, and refuses a second cluster. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CommandFailure, exitCodes } from '../kernel/exit-codes.ts';
import { makePrivateFolder } from '../kernel/make-folder.ts';
import type { Config, Environment } from './config.ts';
import { crashReportDir, ecosystemApps, outputDir, type Pm2App } from './ecosystem.ts';
import { checkout, loadConfig } from './environment.ts';
import { liveControl, liveWorkers } from './live-workers.ts';
import { readRunState } from './run-state.ts';
import { startedByVariable, startLockHolder } from './start-lock-holder.ts';

/**
 * @public called by ecosystem.config.js
 * @throws ConfigError, or an Error whose message is for the user
 */
export function loadEcosystem(env: Environment = process.env): Pm2App[] {
  const config = loadConfig(env);
  const { runDir } = config.places;
  const state = readRunState(runDir);
  refuseDuringStart(runDir, env);
  refuseSecond(runDir, state?.pm2_home, env);
  makePrivateFolders(config);
  return ecosystemApps(config, { checkout, colour: state?.live ?? 'blue', env });
}

/** What it is about to start would be started twice. */
function refuseDuringStart(runDir: string, env: Environment): void {
  const holder = startLockHolder(runDir);
  if (holder !== undefined && env[startedByVariable] !== String(holder)) {
    throw new CommandFailure(exitCodes.lockHeld, startUnderWaySentence(holder));
  }
}

function refuseSecond(runDir: string, statedHome: string | undefined, env: Environment): void {
  const home = usersPm2Home(env);
  const control = liveControl(runDir);
  for (const { pm2Home } of [...liveWorkers(runDir), ...(control === undefined ? [] : [control])]) {
    const other = pm2Home ?? statedHome;
    if (other !== undefined && resolve(other) !== home) {
      throw new CommandFailure(exitCodes.preflight, elsewhereSentence(other));
    }
  }
}

/** Where a `pm2` that is called without anything else looks for its daemon. */
export function usersPm2Home(env: Environment): string {
  return resolve(env['PM2_HOME'] || join(homedir(), '.pm2'));
}

export function elsewhereSentence(home: string): string {
  return `Deci already runs under another PM2 home (${home}): stop it with npm stop first, or look at it with npm run status.`;
}

export function startUnderWaySentence(pid: number): string {
  return `Another start is under way (pid ${pid}): wait for it.`;
}

/** @throws when a folder cannot be made */
export function makePrivateFolders(config: Config): void {
  for (const dir of [config.places.runDir, outputDir(config), config.places.dataDir, crashReportDir(config)]) {
    makePrivateFolder(dir);
  }
}
