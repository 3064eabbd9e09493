/** Which server a command talks to, and with which key. The key of this machine goes to servers of this machine only. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandEnvironment } from '../config/command-environment.ts';
import { type Config, ConfigError } from '../config/config.ts';
import { isLoopback } from '../config/own-address.ts';
import { readRunState } from '../config/run-state.ts';
import { CommandFailure, exitCodes } from '../kernel/exit-codes.ts';

export interface Target {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string | undefined;
}

const maxKeyBytes = 8192;
/** What a header can carry without being misread. */
const keyForm = /^[\x21-\x7E]+$/;
const wildcards: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

/**
 * @param loadConfig only called where the environment leaves something open: a command may run far from its server
 * @throws CommandFailure
 */
export function resolveTarget(environment: CommandEnvironment, loadConfig: () => Config): Target {
  const config = lazily(() => loadOrFail(loadConfig));
  const url = environment.url === undefined ? localUrl(config()) : givenUrl(environment.url);
  const isOwn = environment.url === undefined || isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  const key = givenKey(environment) ?? (isOwn ? adminKey(config().places.dataDir) : undefined);
  return { url: url.href.replace(/\/+$/, ''), key };
}

function loadOrFail(loadConfig: () => Config): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandFailure(exitCodes.badConfiguration, error.message);
    throw error;
  }
}

function givenUrl(text: string): URL {
  const url = URL.parse(text);
  const usable =
    url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  // The value is not shown: somebody may have put a password into it.
  if (!usable) throw badSetting('DECI_URL: expected an http:// or https:// URL without user, query or fragment');
  return url;
}

function localUrl({ places, host, port }: Config): URL {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const text = readRunState(places.runDir)?.url ?? (port === 'auto' ? undefined : `http://${bracketed}:${port}`);
  if (text === undefined) {
    const words = 'Deci does not run here, and PORT=auto tells no port: start it with npm start, or set DECI_URL.';
    throw new CommandFailure(exitCodes.preflight, words);
  }
  const url = new URL(text);
  url.hostname = wildcards[url.hostname] ?? url.hostname;
  return url;
}

function givenKey({ key, keyFile }: CommandEnvironment): string | undefined {
  if (key !== undefined) {
    if (!keyForm.test(key)) throw badSetting('DECI_KEY: expected a key, got something else (it is not shown)');
    return key;
  }
  if (keyFile === undefined) return undefined;
  const found = readKeyFile(keyFile);
  if (found === undefined) throw badSetting(`DECI_KEY_FILE: ${keyFile} does not exist`);
  return found;
}

/** Absent before the first start: then the server decides what somebody without a key may do. */
function adminKey(dataDir: string): string | undefined {
  return readKeyFile(join(dataDir, 'admin-key'));
}

/** @returns undefined when there is no such file */
function readKeyFile(path: string): string | undefined {
  try {
    const { mode, size } = statSync(path);
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw refuse(`${path} is open to others (mode ${octal}): close it with chmod 600 ${path}.`);
    }
    const key = size > maxKeyBytes ? '' : readFileSync(path, 'utf8').trim();
    if (!keyForm.test(key)) throw refuse(`${path} does not hold a key: name another file in DECI_KEY_FILE.`);
    return key;
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code !== 'EACCES') throw refuse(`The key cannot be read: ${message}.`);
    throw refuse(`${path} cannot be read by this user: run as the one that Deci runs as, or set DECI_KEY.`);
  }
}

function refuse(message: string): CommandFailure {
  return new CommandFailure(exitCodes.preflight, message);
}

function badSetting(message: string): CommandFailure {
  return new CommandFailure(exitCodes.badConfiguration, `${message}.`);
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
