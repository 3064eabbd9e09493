/**
 * How a local Ollama server can be started again: by the command of the settings, or by whatever is found to run it: a systemd unit,
 * a process of the user's PM2, a container. What is found must be the server of the very port that is asked, and something that this
 * user may restart. What runs goes before what does not: of two that could serve the port it is the one that did. Nothing of it
 * comes from a client.
 */
import { isObject } from '../kernel/json.ts';
import { findContainer } from './restart-container.ts';
import { portIn } from './restart-port.ts';
import type { Command, CommandResult } from './run-command.ts';

export interface RestartWay {
  /** For the log and the journal. */
  readonly words: string;
  readonly command: Command;
}

export interface RestartSearch {
  /** The setting: `auto`, `off`, or a command for the shell. */
  readonly setting: string;
  /** Of the servers on this machine. */
  readonly ports: readonly number[];
  readonly isRoot: boolean;
  /** PM2's command and home, where a daemon of the user runs. */
  readonly pm2: { readonly file: string; readonly args: readonly string[]; readonly home: string } | undefined;
  readonly run: (command: Command) => Promise<CommandResult>;
}

/** The way, or why there is none. */
export type FoundWay = RestartWay | { readonly none: string };

interface Found {
  readonly way: RestartWay;
  readonly runs: boolean;
}

export async function findRestartWay(search: RestartSearch): Promise<FoundWay> {
  const { setting, ports } = search;
  if (setting === 'off') return { none: 'OLLAMA_RESTART_COMMAND is off' };
  if (ports.length === 0) return { none: 'no Ollama server is on this machine' };
  if (setting !== 'auto') return { words: setting, command: { file: '/bin/sh', args: ['-c', setting] } };
  const [port] = ports;
  if (ports.length > 1 || port === undefined) {
    return { none: 'several Ollama servers are on this machine: name a command in OLLAMA_RESTART_COMMAND' };
  }
  let stopped: RestartWay | undefined;
  for (const find of [findUnit, findPm2Process, findContainer]) {
    const found = await find(search, port);
    if (found?.runs === true) return found.way;
    stopped ??= found?.way;
  }
  if (stopped !== undefined) return stopped;
  return { none: 'nothing is known that may restart it: no systemd unit, PM2 process or container of this user' };
}

async function findUnit({ run, isRoot }: RestartSearch, port: number): Promise<Found | undefined> {
  // A unit of the system is for root alone to restart, as a rule.
  const scope = isRoot ? [] : ['--user'];
  const unit = 'ollama.service';
  const { code, output } = await run({
    file: 'systemctl',
    args: [...scope, 'show', unit, '-p', 'LoadState,ActiveState,Environment'],
  });
  if (code !== 0 || !/^LoadState=loaded$/m.test(output) || portIn(/OLLAMA_HOST=(\S+)/.exec(output)?.[1]) !== port) {
    return undefined;
  }
  const args = [...scope, 'restart', unit];
  const way = { words: `systemctl ${args.join(' ')}`, command: { file: 'systemctl', args } };
  return { way, runs: /^ActiveState=(?:active|activating|reloading)$/m.test(output) };
}

async function findPm2Process({ run, pm2 }: RestartSearch, port: number): Promise<Found | undefined> {
  if (pm2 === undefined) return undefined;
  const env = { PM2_HOME: pm2.home };
  const { code, output } = await run({ file: pm2.file, args: [...pm2.args, 'jlist'], env });
  if (code !== 0) return undefined;
  const found = readRows(output).find(({ name, pm2_env: its }) => {
    const { pm_exec_path: path, OLLAMA_HOST: host } = isObject(its) ? its : {};
    const isOllama = name === 'ollama' || (typeof path === 'string' && /(?:^|\/)ollama$/.test(path));
    return isOllama && portIn(typeof host === 'string' ? host : undefined) === port;
  });
  const id = found?.['pm_id'];
  if (typeof id !== 'number') return undefined;
  const args = [...pm2.args, 'restart', String(id)];
  const { status } = isObject(found?.['pm2_env']) ? found['pm2_env'] : {};
  return { way: { words: `pm2 restart ${id}`, command: { file: pm2.file, args, env } }, runs: status === 'online' };
}

function readRows(text: string): ReadonlyArray<Readonly<Record<string, unknown>>> {
  try {
    const rows: unknown = JSON.parse(text);
    return Array.isArray(rows) ? rows.filter(isObject) : [];
  } catch {
    return [];
  }
}
