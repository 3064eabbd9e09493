/** What control does for Ollama servers, put together: the healers, and how a server on this machine can be restarted. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, isLoopback } from '../config/config.ts';
import { environmentForPrograms } from '../config/environment.ts';
import type { Healer } from '../journal/healer.ts';
import { withDeadline } from '../kernel/deadline.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { HostCare } from '../ollama/host-care.ts';
import { UpstreamHost } from '../ollama/upstream-host.ts';
import type { BreakerRow } from '../storage/breaker-repository.ts';
import { StoreError } from '../storage/store-error.ts';
import { type CaredHost, createRunnerReload, type OllamaCare } from '../supervision/ollama-healers.ts';
import { ModelPull } from '../supervision/ollama-pull.ts';
import { OllamaRestart } from '../supervision/ollama-restart.ts';
import { onlyOne } from '../supervision/only-one.ts';
import { type OwedModel, owedModels } from '../supervision/owed-models.ts';
import { findRestartWay, type RestartSearch, type RestartWay } from '../supervision/restart-way.ts';
import { type Command, type CommandResult, runCommand } from '../supervision/run-command.ts';
import type { Spine } from './create-spine.ts';

export interface OllamaHealing {
  readonly healers: readonly Healer[];
  readonly resource: Resource;
}

const requestMs = 5000;
const findMs = 3000;
/** Longer than any action; it ends with the process that holds it anyway. */
const turnMs = 5 * 3600_000;
/** Three tries of one token, and some. */
const probeMs = 30_000;
const outputChars = 2000;

export function createOllamaHealing(config: Config, spine: Spine): OllamaHealing {
  const { log } = spine;
  const cares = config.upstreams.map(({ url }) => {
    const { connectMs } = config.timeouts;
    return new HostCare(new UpstreamHost({ url, connectMs, requestMs, embedMs: requestMs, via: 'control' }));
  });
  const locals = config.upstreams.map(({ url }) => new URL(url)).filter(isLocal);
  const care = createCare(cares, spine);
  let way: RestartWay | undefined;
  const restart = new OllamaRestart({
    care,
    way: () => way,
    run: ({ command }, host, signal) => runHere(command, signal, { DECI_UPSTREAM: host }),
    onRun: (upstream, { words }, { code, output }) => {
      const fields = { upstream, command: words, code: code ?? null, output: output.slice(0, outputChars) };
      log.warn('the command that restarts ollama has run', fields);
    },
  });
  const start = async (): Promise<void> => {
    const found = await findRestartWay(searchFor(config, locals));
    if ('none' in found) {
      log.info('an ollama server that is gone is not restarted', { reason: found.none });
      return;
    }
    way = found;
    log.info('an ollama server that is gone is restarted', { command: found.words });
  };
  return {
    healers: [
      createRunnerReload(care, host => restart.noteWedged(host)),
      new ModelPull({ care, owed: () => owed(spine) }),
      restart,
    ],
    resource: {
      name: 'ollama-healing',
      // Nobody waits for programs that may be slow to answer.
      start: async () =>
        void start().catch(error => log.warn('no way to restart ollama was found', { cause: String(error) })),
      stop: async () => void (await Promise.all(cares.map(one => one.stop()))),
    },
  };
}

/** As many records as its budget writes in weeks. */
const owedRecords = 500;

async function owed({ journal }: Spine): Promise<OwedModel[]> {
  const { records } = await journal.list({ limit: owedRecords, healer: 'ollama-pull' });
  return owedModels(records, Date.now());
}

function createCare(cares: readonly HostCare[], { breakers, leases }: Spine): OllamaCare {
  const open = (): readonly BreakerRow[] => orElse([], () => breakers.all().filter(({ state }) => state !== 'closed'));
  // Without the shared store each process goes by itself, and control is one.
  const take = (request: Parameters<typeof leases.take>[0]): (() => void) | undefined =>
    orElse(
      () => undefined,
      () => {
        const lease = leases.take(request);
        return lease === undefined ? undefined : () => void orElse(false, () => leases.release(lease));
      },
    );
  return {
    hosts: cares.map(one => withPlace(one)),
    leftAlone: () =>
      open().map(({ name, cause, state }) => {
        const [host = name, model] = name.split(' ', 2);
        return { host, model, cause, isOpen: state === 'open' };
      }),
    takeTurn: onlyOne(() => take({ kind: 'heal', key: 'ollama', capacity: 1, ttlMs: turnMs })),
    takeProbe: host => take({ kind: 'probe', key: host, capacity: 1, ttlMs: probeMs }),
    tryAgain: host => {
      for (const row of open()) {
        if (row.state !== 'open' || row.name.split(' ', 1)[0] !== host) continue;
        orElse(false, () => breakers.put({ ...row, state: 'half_open', sinceMs: Date.now() }));
      }
    },
    nowMs: Date.now,
  };
}

function withPlace(care: HostCare): CaredHost {
  return Object.assign(care, { isLocal: isLocal(new URL(care.url)) });
}

function isLocal({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}

function orElse<T>(instead: T, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return instead;
  }
}

/** What is in the environment of control is not for what it runs: secrets are among it. */
function runHere(
  command: Command,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return runCommand({ ...command, env: { ...environmentForPrograms(), ...command.env, ...more } }, signal);
}

function searchFor(config: Config, locals: readonly URL[]): RestartSearch {
  const home = join(homedir(), '.pm2');
  const pm2 = fileURLToPath(new URL('../../node_modules/pm2/bin/pm2', import.meta.url));
  return {
    setting: config.ollamaRestart,
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
