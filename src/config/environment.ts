/** The only reader of the process environment: what was exported wins over the `.env` of DECI_HOME. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { type Config, type Environment, readConfig } from './config.ts';

/** The folder of package.json: the checkout or the release that this code belongs to. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

function readEnvironment(): Environment {
  const home = resolve(checkout, process.env['DECI_HOME'] || checkout);
  return { ...readEnvFile(join(home, '.env')), ...process.env };
}

/** @throws ConfigError */
export function loadConfig(): Config {
  return readConfig(readEnvironment(), checkout);
}

function readEnvFile(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** Which of the two deployments this process belongs to; set by ecosystem.config.js. */
export function readColour(): string {
  return process.env['DECI_COLOUR'] === 'green' ? 'green' : 'blue';
}

/** Where PM2 keeps the error output of this worker; absent without PM2. */
export function readErrorLog(): string | undefined {
  return process.env['pm_err_log_path'];
}

export function readVersion(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
