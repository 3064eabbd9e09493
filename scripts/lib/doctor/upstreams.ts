/** Whether each Ollama answers. None is no failure: Deci starts without them and takes them when they come. */
import { findOwnRestartWay } from '../../../src/app/own-restart-way.ts';
import type { Config } from '../../../src/config/config.ts';
import type { UpstreamUrl } from '../../../src/config/value-types.ts';
import { ExchangeError, exchange } from '../../../src/kernel/http-exchange.ts';
import { isObject, parseObject } from '../../../src/kernel/json.ts';
import type { FoundWay } from '../../../src/supervision/restart-way.ts';
import { describeRestart, describeUpstream } from '../describe.ts';
import { askControl, type RestartWords } from '../worker-sockets.ts';
import { type Check, type Finding, ok, warn } from './finding.ts';

export const upstreamGroup = 'Ollama';

/** As control says; where none runs, as it would find. */
export function restartCheck(config: Config): Check {
  return {
    group: upstreamGroup,
    name: 'restart',
    look: async () => {
      const control = await askControl(config.places.runDir);
      return ok(describeRestart(control?.ollama_restart ?? wordsOf(await findOwnRestartWay(config))));
    },
  };
}

function wordsOf(found: FoundWay): RestartWords {
  return 'none' in found ? found : { command: found.words };
}

const limitMs = 2000;
const fix = 'Start Ollama there, or correct OLLAMA_URLS. Deci starts all the same.';

export function upstreamChecks(upstreams: readonly UpstreamUrl[]): Check[] {
  return upstreams.map(({ url }) => ({ group: upstreamGroup, name: url, look: async signal => lookAt(url, signal) }));
}

async function lookAt(url: string, signal: AbortSignal): Promise<Finding> {
  let version: unknown;
  try {
    version = parseObject(await read(`${url}/api/version`, signal))?.['version'];
  } catch (error) {
    return warn(`not reachable (${reasonOf(error)})`, fix);
  }
  if (typeof version !== 'string')
    return warn('answers, but not as Ollama does', 'Correct OLLAMA_URLS: something else is there.');
  try {
    const models = parseObject(await read(`${url}/api/tags`, signal))?.['models'];
    if (!Array.isArray(models)) throw new Error('not a list');
    const count = models.filter(isObject).length;
    const told = describeUpstream({ url: '', state: { is: 'up', version, models: count } }).trim();
    return count > 0 ? ok(told) : warn(told, 'Pull a model there: ollama pull NAME.');
  } catch (error) {
    return warn(
      `Ollama ${version}, but its list of models cannot be read (${reasonOf(error)})`,
      'See the log of Ollama.',
    );
  }
}

async function read(url: string, signal: AbortSignal): Promise<string> {
  const headers = { accept: 'application/json' };
  const question = { url: new URL(url), method: 'GET', headers, body: undefined, timeoutMs: limitMs } as const;
  const { status, text } = await exchange(question, signal);
  if (status !== 200) throw new Error(`status ${status}`);
  return text;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof ExchangeError && error.code !== 'TIMEOUT' ? error.code : error.message;
}
