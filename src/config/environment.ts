/** The only reader of the process environment: what was exported wins over the `.env` of DECI_HOME. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { type Config, ConfigError, type Environment, examineSettings, readConfig } from './config.ts';
import { linesWithoutName, misspelledNames } from './misplaced-names.ts';
import type { Setting } from './setting.ts';
import { settings } from './settings.ts';

/** The folder of package.json: the checkout or the release that this code belongs to. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * @param exported variables of this process
 * @param folder the default of DECI_HOME
 * @throws ConfigError
 */
export function loadConfig(exported: Environment = process.env, folder = checkout): Config {
  const { env, problems } = readEnvironment(exported, folder);
  return readConfig(env, folder, problems);
}

/** What can be used although settings may be wrong, and what is wrong with them. */
export function loadUsableConfig(
  exported: Environment = process.env,
  folder = checkout,
): { config: Config; problem: ConfigError | undefined } {
  const { env, problems: found } = readEnvironment(exported, folder);
  const { config, problems } = examineSettings(env, folder, found);
  return { config, problem: problems.length === 0 ? undefined : new ConfigError(problems) };
}

/** What is set, as it is written; what is empty counts as absent. A secret is told by its being there alone. */
export function readSettingTexts(exported: Environment = process.env, folder = checkout): Record<string, string> {
  const { env } = readEnvironment(exported, folder);
  const table: ReadonlyArray<[string, Setting<unknown>]> = Object.entries(settings);
  return Object.fromEntries(
    table.flatMap(([name, { secret }]) => {
      const text = env[name]?.trim() ?? '';
      return text === '' ? [] : [[name, secret === true ? 'set' : text]];
    }),
  );
}

function readEnvironment(exported: Environment, folder: string): { env: Environment; problems: string[] } {
  const home = resolve(folder, exported['DECI_HOME']?.trim() || folder);
  const path = join(home, '.env');
  try {
    const text = readEnvFile(path);
    const file = parseEnv(text);
    const problems = [...linesWithoutName(text, path), ...misspelledNames(Object.keys(file))];
    return { env: { ...file, ...exported }, problems };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return { env: exported, problems: [`DECI_HOME: ${home} is not a folder`] };
    const reason = code === 'EISDIR' ? 'it is a folder' : message;
    return { env: exported, problems: [`.env: ${path} cannot be read: ${reason}`] };
  }
}

function readEnvFile(path: string): string {
  try {
    // Editors on Windows begin a file with a mark that would become part of its first name.
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
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

/** A program needs these to find and speak to what runs for its user; the rest of what is exported may be secret. */
const handedOn = ['PATH', 'HOME', 'USER', 'LANG', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'PM2_HOME'];

/** What programs that are run find in their environment. */
export function environmentForPrograms(exported: Environment = process.env): Record<string, string> {
  const given = handedOn.map(name => [name, exported[name]] as const);
  return Object.fromEntries(given.filter((one): one is readonly [string, string] => one[1] !== undefined));
}

export function readVersion(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
