/**
 * The healers of Ollama servers. They act on what breakers and their own looks say, each on one host at a time, and never two hosts
 * at once: whoever acts holds a lease that all of them want.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { DeciError } from '../kernel/errors.ts';
import { pause } from '../kernel/pause.ts';

export interface CaredHost {
  readonly name: string;
  readonly isLocal: boolean;
  look(): Promise<'answers' | 'silent' | 'refused'>;
  loaded(): Promise<readonly string[]>;
  generateOne(model: string, signal: AbortSignal): Promise<void>;
  load(model: string, signal: AbortSignal): Promise<void>;
  unload(model: string, signal: AbortSignal): Promise<void>;
  pull(model: string, signal: AbortSignal): Promise<void>;
  remove(model: string, signal: AbortSignal): Promise<void>;
}

/** A breaker that is not closed. */
export interface LeftAlone {
  readonly host: string;
  readonly model: string | undefined;
  /** Code of the failure that opened it. */
  readonly cause: string;
}

export interface OllamaCare {
  readonly hosts: readonly CaredHost[];
  readonly leftAlone: () => readonly LeftAlone[];
  /** @returns what gives it back; undefined while another healer acts on a host */
  readonly takeTurn: () => (() => void) | undefined;
  /** Of all processes one makes a host generate at a time. @returns what gives it back; undefined while another does */
  readonly takeProbe: (host: string) => (() => void) | undefined;
  /** Has the host and its models tried at once, by whoever serves. */
  readonly tryAgain: (host: string) => void;
  readonly nowMs: () => number;
}

const tryMs = 8000;
const lookAgainMs = 10_000;
const unloadRounds = 30;
const unloadPauseMs = 1000;
const silences: ReadonlySet<string> = new Set(['first_token_timeout', 'stall_timeout']);
const refusals: ReadonlySet<string> = new Set(['upstream_refused', 'upstream_failed']);

/** What Ollama and llama.cpp say of a file that is not what it was; what a lack of memory makes them say is not among it. */
const corruptWords =
  /corrupt|incomplete|not within the file bounds|invalid (?:file )?magic|invalid magic characters|failed to read magic|digest mismatch|sha256[-:][0-9a-f]{8,}.*(?:no such file|unexpected EOF)/is;

export function isCorrupt(message: string): boolean {
  return corruptWords.test(message);
}

type Acted = Awaited<ReturnType<Episode['act']>>;

const noEffect: Acted = { result: 'no_effect', requests_affected: 0 };
const healed: Acted = { result: 'healed', requests_affected: 0 };

/** Lets a host be looked at closely every so often only: looking makes it generate or load. */
class Spacing {
  readonly #nowMs: () => number;
  readonly #lookedAtMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  isDue(name: string): boolean {
    const atMs = this.#lookedAtMs.get(name);
    if (atMs !== undefined && this.#nowMs() - atMs < lookAgainMs) return false;
    this.#lookedAtMs.set(name, this.#nowMs());
    return true;
  }
}

/** @param onVain told of a host that generates nothing after it loaded its model anew */
export function createRunnerReload(care: OllamaCare, onVain: (host: string) => void): Healer {
  const spacing = new Spacing(care.nowMs);
  return {
    info: healerCatalogue['ollama-reload'],
    intervalMs: 2000,
    actionMs: 5 * 60_000,
    detect: async () => {
      const rows = care.leftAlone().filter(({ cause }) => silences.has(cause));
      for (const host of care.hosts) {
        const own = rows.filter(row => row.host === host.name);
        if (own.length === 0 || !spacing.isDue(host.name)) continue;
        const model = await probed(care, host.name, () => wedgedModel(host, own));
        if (model !== undefined) return [reloadEpisode(care, { host, model, onVain })];
      }
      return [];
    },
  };
}

async function probed<T>({ takeProbe }: OllamaCare, host: string, look: () => Promise<T>): Promise<T | undefined> {
  const giveBack = takeProbe(host);
  if (giveBack === undefined) return undefined;
  try {
    return await look();
  } finally {
    giveBack();
  }
}

async function wedgedModel(host: CaredHost, rows: readonly LeftAlone[]): Promise<string | undefined> {
  if ((await host.look()) !== 'answers') return undefined;
  const loaded = await host.loaded().catch(() => []);
  const named = loaded.filter(name => rows.some(({ model }) => model === name.toLowerCase()));
  for (const model of named) {
    if (await isMute(host, model)) return model;
  }
  return undefined;
}

/** Only silence counts: whatever it says in words, it does not hang. */
async function isMute(host: CaredHost, model: string): Promise<boolean> {
  return withDeadline(tryMs, async signal => {
    try {
      await host.generateOne(model, signal);
      return false;
    } catch (error) {
      return signal.aborted || (error instanceof DeciError && silences.has(error.code));
    }
  });
}

interface Reload {
  readonly host: CaredHost;
  readonly model: string;
  readonly onVain: (host: string) => void;
}

function reloadEpisode(care: OllamaCare, { host, model, onVain }: Reload): Episode {
  return {
    trigger: { signal: 'generates_nothing', value: tryMs, threshold: tryMs },
    decision: `${model} is in the memory of ${host.name}, which answers, and generates nothing.`,
    action: 'reload_model',
    target: `${host.name} ${model}`,
    takeTurn: care.takeTurn,
    act: async signal => {
      await unloaded(host, model, signal);
      const isLoaded = await host.load(model, signal).then(
        () => true,
        () => false,
      );
      if (!isLoaded || (await isMute(host, model))) {
        onVain(host.name);
        return noEffect;
      }
      care.tryAgain(host.name);
      return healed;
    },
  };
}

/**
 * Resolves when it has left the memory, or does not in time: Ollama unloads what is still worked on when that is over, and a request
 * that comes before keeps it.
 */
async function unloaded(host: CaredHost, model: string, signal: AbortSignal): Promise<void> {
  for (let round = 0; round < unloadRounds && !signal.aborted; round++) {
    // Again and again: whoever used it meanwhile has kept it.
    await withDeadline(tryMs, deadline => host.unload(model, deadline)).catch(() => undefined);
    const loaded = await host.loaded().catch((): readonly string[] => []);
    if (!loaded.includes(model)) return;
    await pause(unloadPauseMs, signal);
  }
}

export function createModelPull(care: OllamaCare): Healer {
  const spacing = new Spacing(care.nowMs);
  return {
    info: healerCatalogue['ollama-pull'],
    intervalMs: 2000,
    actionMs: 2 * 3600_000,
    detect: async () => {
      for (const { host: name, model, cause } of care.leftAlone()) {
        const host = care.hosts.find(one => one.name === name);
        if (host === undefined || model === undefined || !refusals.has(cause)) continue;
        if (!spacing.isDue(`${name} ${model}`)) continue;
        const words = await loadFailure(host, model);
        if (words !== undefined && isCorrupt(words)) return [pullEpisode(care, { host, model, words })];
      }
      return [];
    },
  };
}

/** @returns what the host says; undefined when it loads it, or says nothing in time */
async function loadFailure(host: CaredHost, model: string): Promise<string | undefined> {
  let isLate = false;
  try {
    await withDeadline(60_000, async signal => {
      signal.addEventListener('abort', () => {
        isLate = true;
      });
      await host.load(model, signal);
    });
    return undefined;
  } catch (error) {
    return isLate ? undefined : String(error instanceof Error ? error.message : error);
  }
}

interface Pull {
  readonly host: CaredHost;
  readonly model: string;
  readonly words: string;
}

function pullEpisode(care: OllamaCare, { host, model, words }: Pull): Episode {
  return {
    trigger: { signal: 'model_corrupt', value: words.slice(0, 200), threshold: null },
    decision: `${host.name} cannot load ${model}, and says that its file is damaged.`,
    action: 'pull_model',
    target: `${host.name} ${model}`,
    takeTurn: care.takeTurn,
    act: async signal => {
      // Fails where no registry has it: then nothing was touched.
      await host.pull(model, signal);
      if ((await loadFailure(host, model)) !== undefined) {
        // A file that is there is not fetched again, whatever is in it. The registry has just shown that it has the model.
        await host.remove(model, signal);
        const isBack = await host.pull(model, signal).then(
          () => true,
          () => false,
        );
        if (!isBack) return { result: 'worse', requests_affected: 0 };
        if ((await loadFailure(host, model)) !== undefined) return noEffect;
      }
      care.tryAgain(host.name);
      return healed;
    },
  };
}
