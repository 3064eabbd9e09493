/** How the Ollama server of this machine can be restarted, looked for with what this user may see. Changes nothing. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { environmentForPrograms } from '../config/environment.ts';
import { isLoopback } from '../config/own-address.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { type FoundWay, findRestartWay, type RestartSearch } from '../supervision/restart-way.ts';
import { type Command, type CommandResult, runCommand } from '../supervision/run-command.ts';

/** For each program that is asked. */
const findMs = 3000;

/** Never rejects. */
export async function findOwnRestartWay(config: Pick<Config, 'upstreams' | 'ollamaRestart'>): Promise<FoundWay> {
  try {
    return await findRestartWay(searchFor(config));
  } catch (error) {
    return { none: `it could not be looked for: ${String(error)}` };
  }
}

export function isLocal({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}

/** What is in the environment of this process is not for what it runs: secrets are among it. */
export function runHere(
  command: Command,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return runCommand({ ...command, env: { ...environmentForPrograms(), ...command.env, ...more } }, signal);
}

function searchFor({ upstreams, ollamaRestart }: Pick<Config, 'upstreams' | 'ollamaRestart'>): RestartSearch {
  const locals = upstreams.map(({ url }) => new URL(url)).filter(isLocal);
  const home = join(homedir(), '.pm2');
  const pm2 = fileURLToPath(new URL('../../node_modules/pm2/bin/pm2', import.meta.url));
  return {
    setting: ollamaRestart,
    ports: locals.map(({ port, protocol }) => Number(port || (protocol === 'https:' ? 443 : 80))),
    isRoot: process.getuid?.() === 0,
    pm2: hasDaemon(home) ? { file: process.execPath, args: [pm2], home } : undefined,
    run: command => withDeadline(findMs, signal => runHere(command, signal)),
  };
}

/** PM2's command starts a daemon where none runs: that is not for us to do. */
function hasDaemon(home: string): boolean {
  try {
    process.kill(Number(readFileSync(join(home, 'pm2.pid'), 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}
