/**
 * Finds hosts that let in and generate nothing, while they have work of ours: a silent one is looked at first, which costs it
 * nothing, and then made to generate one token on a model it has in memory. One that answers neither is left alone by its breaker,
 * by all workers. Owner: the composition root of a worker.
 *
 * Every worker looks by itself, since it alone knows what its own requests hear; of all workers one at a time makes a host
 * generate, whoever holds its lease.
 */
import { DeciError } from '../kernel/errors.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { BreakerBoard } from './breaker-board.ts';
import { SideWork } from './side-work.ts';
import { judgeSilence, mustHaveRead } from './silence.ts';
import type { TrialStore } from './trials.ts';

export interface WatchedHost {
  readonly name: string;
  /** Counted up by every piece of an answer. */
  pulse(): number;
  work(): {
    readonly inFlight: number;
    readonly models: readonly string[];
    readonly unreadBytes: number;
    /** See `SilenceFacts`. */
    readonly expectedMs?: number | undefined;
  };
  /** Models that are awaited and not known to be in memory. */
  isLoading(): boolean;
  /** @returns whether it answers at all; bounded by itself */
  look(): Promise<boolean>;
  /** Whether it has the model in memory: nothing is loaded for a look. */
  hasLoaded(model: string): boolean;
  /** One token, beside all slots: it is for when they are taken. @throws DeciError */
  generate(model: string, signal: AbortSignal): Promise<void>;
}

/** What all workers heard of each host, counted: one that works for others is not silent. Always 0 where that cannot be told. */
export interface SignsOfLife {
  add(host: string): number;
  get(host: string): number;
}

export interface SilenceWatchOptions {
  readonly board: Pick<BreakerBoard, 'condemn' | 'standing'>;
  readonly hosts: readonly WatchedHost[];
  readonly store: TrialStore;
  readonly signs: SignsOfLife;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const silences: ReadonlySet<string> = new Set(['first_token_timeout', 'stall_timeout', 'total_timeout']);

export function isSilence(error: unknown): boolean {
  return error instanceof DeciError && silences.has(error.code);
}

interface Heard {
  pulse: number;
  atMs: number;
  lookedAtMs: number;
  toldAtMs: number;
  /** Of all workers, as this one last knew it. */
  signs: number;
}

const intervalMs = 500;
const lookAgainMs = 2000;
/** So often at most a worker tells the others that it hears a host. */
const tellEveryMs = 1000;
const generateMs = 6000;
const tellAgainMs = 60_000;

export class SilenceWatch implements Resource {
  readonly name = 'silence-watch';
  readonly #options: SilenceWatchOptions;
  readonly #ticker: Ticker;
  readonly #heard: ReadonlyMap<string, Heard>;
  readonly #work: SideWork;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    this.#work = new SideWork(options.onFailure);
    const atMs = options.nowMs();
    this.#heard = new Map(
      options.hosts.map(({ name }) => [name, { pulse: 0, atMs, lookedAtMs: 0, toldAtMs: 0, signs: 0 }]),
    );
    this.#ticker = new Ticker({
      name: this.name,
      tick: () => this.#round(),
      intervalMs,
      onFailure: options.onFailure,
      random: options.random,
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    const ended = this.#work.stop();
    await this.#ticker.stop();
    await ended;
  }

  async #round(): Promise<undefined> {
    for (const host of this.#options.hosts) {
      const heard = this.#heard.get(host.name);
      if (heard !== undefined) this.#work.begin(host.name, () => this.#attend(host, heard));
    }
    return undefined;
  }

  async #attend(host: WatchedHost, heard: Heard): Promise<void> {
    const { nowMs, board, signs } = this.#options;
    const { models, ...work } = host.work();
    const now = nowMs();
    if (this.#isHeard(host, work.inFlight, heard)) return;
    const { pulse } = heard;
    const quietMs = now - heard.atMs;
    const judgement = judgeSilence({ ...work, quietMs, isLoading: host.isLoading() });
    // What is left alone already has a prober of its own.
    if (judgement === 'fine' || now - heard.lookedAtMs < lookAgainMs || board.standing(host.name, '') !== 'closed')
      return;
    heard.lookedAtMs = now;
    const isThere = await host.look();
    if (host.pulse() !== pulse || signs.get(host.name) !== heard.signs) return;
    if (!isThere) this.#condemn(host, 'silent', { quietMs: nowMs() - heard.atMs });
    else if (judgement === 'try') await this.#try(host, { models, unreadBytes: work.unreadBytes }, heard);
  }

  /** Whether it has no work, or said something since the last look: to this worker, who tells the others, or to another. */
  #isHeard(host: WatchedHost, inFlight: number, heard: Heard): boolean {
    const { nowMs, signs } = this.#options;
    const pulse = host.pulse();
    const now = nowMs();
    const hasSpoken = pulse !== heard.pulse;
    if (inFlight === 0 || hasSpoken) {
      heard.pulse = pulse;
      heard.atMs = now;
      if (hasSpoken && now - heard.toldAtMs >= tellEveryMs) {
        heard.toldAtMs = now;
        heard.signs = signs.add(host.name);
      }
      return true;
    }
    const heardByAll = signs.get(host.name);
    if (heardByAll === heard.signs) return false;
    heard.signs = heardByAll;
    heard.atMs = now;
    return true;
  }

  async #try(
    host: WatchedHost,
    { models, unreadBytes }: { readonly models: readonly string[]; readonly unreadBytes: number },
    heard: Heard,
  ): Promise<void> {
    const { store, nowMs, signs } = this.#options;
    const model = models.find(one => host.hasLoaded(one));
    if (model === undefined) return;
    const release = store.takeTrial(`${host.name} life`);
    if (release === undefined) return;
    const { pulse } = heard;
    try {
      await this.#work.within(generateMs, signal => host.generate(model, signal));
      // It generates for others at least: what our own requests wait for has its own limits.
      heard.atMs = nowMs();
    } catch (error) {
      if (this.#work.isGivenUp || host.pulse() !== pulse || signs.get(host.name) !== heard.signs) return;
      // Whatever it says in words, it is no silence; what is wrong then is for those whose requests it refuses.
      if (!isSilence(error)) {
        heard.atMs = nowMs();
        return;
      }
      const quietMs = nowMs() - heard.atMs;
      // Whoever is named is healed: not while it may be reading. The trials of the host name it later, if it stays silent.
      const named = mustHaveRead({ quietMs, unreadBytes }) ? { model } : {};
      this.#condemn(host, 'generates_nothing', { quietMs, ...named });
    } finally {
      release();
    }
  }

  /** @param model that generated nothing: it is named too, for whoever heals it */
  #condemn(
    host: WatchedHost,
    signal: 'silent' | 'generates_nothing',
    { quietMs, model }: { quietMs: number; model?: string },
  ): void {
    const { board } = this.#options;
    const verdict = { signal, value: Math.round(quietMs), threshold: null };
    board.condemn(host.name, 'first_token_timeout', verdict);
    const heard = this.#heard.get(host.name);
    // Where that is only told, as in a dry run, it is not told every few seconds.
    if (heard !== undefined && board.standing(host.name, '') === 'closed') heard.lookedAtMs += tellAgainMs;
    else if (model !== undefined) board.condemn(`${host.name} ${model}`, 'first_token_timeout', verdict);
  }
}
