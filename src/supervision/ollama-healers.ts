/**
 * The healers of Ollama servers. They act on what breakers and their own looks say, each on one host at a time, and never two hosts
 * at once: whoever acts holds a lease that all of them want.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { DeciError } from '../kernel/errors.ts';
import { pause } from '../kernel/pause.ts';
import type { Look } from '../ollama/host-care.ts';

export interface CaredHost {
  readonly name: string;
  readonly isLocal: boolean;
  look(): Promise<Look>;
  /** Names of the models in its memory. */
  loaded(): Promise<readonly string[]>;
  /** Names of the models on its disk. */
  listed(): Promise<readonly string[]>;
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
  /** False while an attempt is to try it. */
  readonly isOpen: boolean;
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
  /** Counts up while the host gives tokens to anyone; stands still where that cannot be known. */
  readonly signsOfLife: (host: string) => number;
  readonly nowMs: () => number;
}

const tryMs = 8000;
const lookAgainMs = 10_000;
const unloadRounds = 30;
const unloadPauseMs = 1000;
const silences: ReadonlySet<string> = new Set(['first_token_timeout', 'stall_timeout']);

type Acted = Awaited<ReturnType<Episode['act']>>;

const noEffect: Acted = { result: 'no_effect', requests_affected: null };
const healed: Acted = { result: 'healed', requests_affected: null };

/**
 * Lets a host be looked at closely every so often only, since that makes it generate; what was seen holds until then, so that an
 * episode that goes on is one.
 */
class CloseLooks {
  readonly #nowMs: () => number;
  readonly #seen = new Map<string, { atMs: number; wedged: string | undefined }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param look undefined: it cannot be looked at now */
  async wedged(host: string, look: () => Promise<string | undefined>): Promise<string | undefined> {
    const seen = this.#seen.get(host);
    if (seen !== undefined && this.#nowMs() - seen.atMs < lookAgainMs) return seen.wedged;
    const atMs = this.#nowMs();
    const wedged = await look();
    this.#seen.set(host, { atMs, wedged });
    return wedged;
  }

  /** It was acted on: the next look is a new one. */
  over(host: string): void {
    const seen = this.#seen.get(host);
    if (seen !== undefined) seen.wedged = undefined;
  }
}

/** @param onVain told of a host that generates nothing after it loaded its model anew */
export function createRunnerReload(care: OllamaCare, onVain: (host: string) => void): Healer {
  const looks = new CloseLooks(care.nowMs);
  return {
    info: healerCatalogue['ollama-reload'],
    intervalMs: 2000,
    actionMs: 5 * 60_000,
    detect: async () => {
      const rows = care.leftAlone().filter(({ cause }) => silences.has(cause));
      for (const host of care.hosts) {
        const own = rows.filter(row => row.host === host.name);
        if (own.length === 0) continue;
        const model = await looks.wedged(host.name, () => probed(care, host.name, () => wedgedModel(host, own)));
        const over = (): void => looks.over(host.name);
        if (model !== undefined) return [reloadEpisode(care, { host, model, onVain, over })];
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
  /** What was seen of the host holds no longer. */
  readonly over: () => void;
}

function reloadEpisode(care: OllamaCare, { host, model, onVain, over }: Reload): Episode {
  return {
    trigger: { signal: 'generates_nothing', value: tryMs, threshold: tryMs },
    decision: `${model} is in the memory of ${host.name}, which answers, and generates nothing.`,
    action: 'reload_model',
    target: `${host.name} ${model}`,
    takeTurn: care.takeTurn,
    act: async signal => {
      over();
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
