/** What settings say against one another, and of themselves: pure, one line each, no value of a secret in any. */
import { loadContradictions } from './load-settings.ts';
import { memoryContradictions } from './memory-settings.ts';
import { isLoopback, isOwnAddress } from './own-address.ts';
import type { SettingValues } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A value in a message: quoted, short, and without the password a URL may carry. */
export function printable(text: string): string {
  const safe = text.replace(/^.*@/s, '***@');
  return JSON.stringify(safe.length > 80 ? `${safe.slice(0, 77)}...` : safe);
}

export function contradictions(values: Partial<SettingValues>, env: Environment): string[] {
  const problems = inFrontOfItself(values, env);
  const { HOST } = values;
  const unconfirmed = values.DECI_AUTH === 'off' && values.DECI_AUTH_OFF_I_KNOW !== '1';
  if (HOST !== undefined && !isLoopback(HOST) && unconfirmed) {
    problems.push(
      `HOST: ${printable(HOST)} is not loopback and DECI_AUTH=off lets anybody in: use keys (DECI_AUTH=auto), bind to 127.0.0.1, or confirm with DECI_AUTH_OFF_I_KNOW=1`,
    );
  }
  problems.push(...tooManySlots(values));
  return [...problems, ...memoryContradictions(values), ...loadContradictions(values)];
}

/** It would ask itself, and that one itself again. */
function inFrontOfItself(values: Partial<SettingValues>, env: Environment): string[] {
  const { PORT, HOST } = values;
  if (PORT === undefined || PORT === 'auto' || HOST === undefined) return [];
  const name = upstreamSetting(env, values);
  const own = (values[name] ?? []).find(({ url }) => isOwnAddress(url, HOST, PORT));
  if (own === undefined) return [];
  const advice =
    name === 'OLLAMA_URLS'
      ? 'set OLLAMA_URLS to the Ollama server'
      : 'it is read because OLLAMA_URLS is absent; set OLLAMA_URLS=http://127.0.0.1:11434, or where else Ollama is';
  return [`${name}: ${own.url} is this server itself (PORT, HOST): ${advice}`];
}

export function upstreamSetting(env: Environment, values: Partial<SettingValues>): 'OLLAMA_URLS' | 'OLLAMA_HOST' {
  return env['OLLAMA_URLS']?.trim() || values.OLLAMA_HOST === undefined ? 'OLLAMA_URLS' : 'OLLAMA_HOST';
}

function tooManySlots({ OLLAMA_URLS = [], OLLAMA_MAX_CONNECTIONS: most }: Partial<SettingValues>): string[] {
  return OLLAMA_URLS.flatMap(({ slots = 0 }) =>
    most === undefined || slots <= most
      ? []
      : [`OLLAMA_URLS: #slots=${slots} is more than OLLAMA_MAX_CONNECTIONS (${most}) lets one host have`],
  );
}
