/** What control does for Ollama servers, put together: the healers, and how a server on this machine can be restarted. */
import type { Config } from '../config/config.ts';
import type { Healer } from '../journal/healer.ts';
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
import { RestartFinder } from '../supervision/restart-finder.ts';
import { createSignsOfLife } from './breaker-store.ts';
import type { Spine } from './create-spine.ts';
import { findOwnRestartWay, isLocal, runHere } from './own-restart-way.ts';

export interface OllamaHealing {
  readonly healers: readonly Healer[];
  readonly resource: Resource;
  /** Null until it was looked for. */
  restartWay(): { readonly command: string } | { readonly none: string } | null;
}

const requestMs = 5000;
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
  const care = createCare(cares, spine);
  const finder = new RestartFinder({
    search: () => findOwnRestartWay(config),
    nowMs: Date.now,
    onFound: found => {
      if ('none' in found) log.info('an ollama server that is gone is not restarted', { reason: found.none });
      else log.info('an ollama server that is gone is restarted', { command: found.words });
    },
  });
  const restart = new OllamaRestart({
    care,
    finder,
    run: ({ command }, host, signal) => runHere(command, signal, { DECI_UPSTREAM: host }),
    onRun: (upstream, { words }, { code, output }) => {
      const fields = { upstream, command: words, code: code ?? null, output: output.slice(0, outputChars) };
      log.warn('the command that restarts ollama has run', fields);
    },
  });
  return {
    healers: [
      createRunnerReload(care, host => restart.noteWedged(host)),
      new ModelPull({ care, owed: () => owed(spine) }),
      restart,
    ],
    restartWay: () => {
      const { found } = finder;
      if (found === undefined) return null;
      return 'none' in found ? found : { command: found.words };
    },
    resource: {
      name: 'ollama-healing',
      // Nobody waits for programs that may be slow to answer.
      start: async () => void finder.look(),
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

function createCare(cares: readonly HostCare[], spine: Spine): OllamaCare {
  const { breakers, leases } = spine;
  const signs = createSignsOfLife(spine);
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
    signsOfLife: host => signs.get(host),
    nowMs: Date.now,
  };
}

function withPlace(care: HostCare): CaredHost {
  return Object.assign(care, { isLocal: isLocal(new URL(care.url)) });
}

function orElse<T>(instead: T, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return instead;
  }
}
