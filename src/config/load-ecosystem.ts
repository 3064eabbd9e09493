/** What `ecosystem.config.js` exports: reads the environment, makes the private folders, and refuses a second cluster. */
import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config } from './config.ts';
import { crashReportDir, ecosystemApps, outputDir, type Pm2App } from './ecosystem.ts';
import { checkout, loadConfig } from './environment.ts';
import { liveWorkers } from './live-workers.ts';
import { readRunState } from './run-state.ts';

/**
 * @public called by ecosystem.config.js
 * @throws ConfigError, or an Error whose message is for the user
 */
export function loadEcosystem(): Pm2App[] {
  const config = loadConfig();
  const { runDir } = config.places;
  const state = readRunState(runDir);
  const home = resolve(process.env['PM2_HOME'] || join(homedir(), '.pm2'));
  for (const worker of liveWorkers(runDir)) {
    const other = worker.pm2Home ?? state?.pm2_home;
    if (other !== undefined && resolve(other) !== home) throw new Error(elsewhereSentence(other));
  }
  makePrivateFolders(config);
  return ecosystemApps(config, { checkout, colour: state?.live ?? 'blue', env: process.env });
}

export function elsewhereSentence(home: string): string {
  return `Deci already runs under another PM2 home (${home}): stop it with npm stop first, or look at it with npm run status.`;
}

/** @throws when a folder cannot be made */
export function makePrivateFolders(config: Config): void {
  for (const dir of [config.places.runDir, outputDir(config), config.places.dataDir, crashReportDir(config)]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
  }
}
