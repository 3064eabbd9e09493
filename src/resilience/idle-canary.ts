/**
 * Makes a host that nobody has asked for a while generate one token on a model that it has in memory: its port would answer for
 * ever while its runner hangs, and the first request of the morning would find that out. One that stays silent is left alone by
 * its breaker. Owner: the composition root of a worker.
 *
 * - Of all workers one asks, once an interval: whoever gets the turn, which is not given back and ends with its worker.
 * - The model leaves the memory when it would have without this: it is told to stay for what remains of its time. Ollama then
 *   also takes that for the time to stay behind the next request, so that is told again as it was as soon as there was one. When
 *   the worker that asked has died or left, it is not: the model then leaves early, once.
 * - Nothing is loaded, and nothing loaded anew: with the context it has, and not where that is unknown, nor where little remains.
 * - A slot is taken like for any other request; where none is free, there are requests, and who watches those sees more.
 * - What others use beside us proves life too: the time at which the model is to leave moves by that, and while it is loaded.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { pause } from '../kernel/pause.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { BreakerBoard } from './breaker-board.ts';
import { SideWork } from './side-work.ts';
import { isSilence, type SignsOfLife } from './silence-watch.ts';

export interface IdleModel {
  readonly name: string;
  readonly contextLength: number | undefined;
  readonly expiresAtMs: number;
  readonly remainingMs: number;
}

export interface KeptFor {
  readonly model: string;
  /** Negative for ever. */
  readonly keepAliveSeconds: number;
  readonly contextLength: number | undefined;
}

export interface IdleHost {
  readonly name: string;
  /** Counted up by every piece of an answer; not by what is asked from here. */
  pulse(): number;
  /** Requests of this worker. */
  inFlight(): number;
  /** @throws */
  loaded(signal: AbortSignal): Promise<readonly IdleModel[]>;
  /** Takes a slot, if there is one. @returns what gives it back; `aborted` while the host may still be at work */
  takeSlot(model: string): ((how?: 'aborted') => void) | undefined;
  /** One token. @throws DeciError */
  generate(kept: KeptFor, signal: AbortSignal): Promise<void>;
  /** Says only how long it is to stay. @throws DeciError */
  keep(kept: KeptFor, signal: AbortSignal): Promise<void>;
}

export type CanaryResult = 'answered' | 'refused' | 'silent' | 'used' | 'skipped';

export interface IdleCanaryOptions {
  readonly board: Pick<BreakerBoard, 'condemn' | 'standing'>;
  readonly hosts: readonly IdleHost[];
  /** @returns false when another worker has had the turn within that time */
  readonly takeTurn: (host: string, ms: number) => boolean;
  readonly signs: Pick<SignsOfLife, 'get'>;
  /** Whether this worker has time for it. */
  readonly isAllowed: () => boolean;
  readonly intervalMs: number;
  readonly onCanary: (host: string, result: CanaryResult) => void;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

interface Idle {
  pulse: number;
  signs: number;
  /** Since when nobody was heard of. */
  sinceMs: number;
  /** Asked last, or looked at. */
  askedAtMs: number;
  /** How long each model that was asked stays behind a request, as it was before. */
  readonly stays: Map<string, KeptFor>;
}

const tickMs = 1000;
const answerMs = 20_000;
const lookMs = 2000;
/** Between two looks: what somebody uses has another time to leave by then. */
const restMs = 2000;
const movedMs = 1000;
const leastRemainingMs = 60_000;
const foreverMs = 365 * 86_400_000;

export class IdleCanary implements Resource {
  readonly name = 'idle-canary';
  readonly #options: IdleCanaryOptions;
  readonly #ticker: Ticker;
  readonly #idle: ReadonlyMap<string, Idle>;
  readonly #work: SideWork;

  constructor(options: IdleCanaryOptions) {
    this.#options = options;
    this.#work = new SideWork(options.onFailure);
    const sinceMs = options.nowMs();
    const fresh = (): Idle => ({ pulse: 0, signs: 0, sinceMs, askedAtMs: sinceMs, stays: new Map() });
    this.#idle = new Map(options.hosts.map(({ name }) => [name, fresh()]));
    this.#ticker = new Ticker({
      name: this.name,
      tick: () => this.#round(),
      intervalMs: Math.min(tickMs, options.intervalMs / 2),
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
      const idle = this.#idle.get(host.name);
      if (idle !== undefined) this.#work.begin(host.name, () => this.#attend(host, idle));
    }
    return undefined;
  }

  async #attend(host: IdleHost, idle: Idle): Promise<void> {
    const { intervalMs, nowMs, board, takeTurn, isAllowed } = this.#options;
    if (this.#isUsed(host, idle)) {
      await this.#tellStays(host, idle);
      return;
    }
    if (nowMs() - Math.max(idle.sinceMs, idle.askedAtMs) < intervalMs || !isAllowed()) return;
    idle.askedAtMs = nowMs();
    // What is left alone already has a prober of its own.
    if (board.standing(host.name, '') !== 'closed' || !takeTurn(host.name, intervalMs)) return;
    const model = await this.#choose(host, idle);
    if (model !== undefined) await this.#ask(host, model, idle);
  }

  #isUsed(host: IdleHost, idle: Idle): boolean {
    const { signs, nowMs } = this.#options;
    const pulse = host.pulse();
    const heard = signs.get(host.name);
    if (host.inFlight() === 0 && pulse === idle.pulse && heard === idle.signs) return false;
    idle.pulse = pulse;
    idle.signs = heard;
    idle.sinceMs = nowMs();
    return true;
  }

  /** What is to be asked: whatever stays longest, and is used by nobody. */
  async #choose(host: IdleHost, idle: Idle): Promise<IdleModel | undefined> {
    const before = await this.#loaded(host);
    await pause(Math.min(restMs, this.#options.intervalMs), this.#work.signal);
    const now = await this.#loaded(host);
    const isMoved = now.some(({ name, expiresAtMs }) =>
      before.some(one => one.name === name && Math.abs(expiresAtMs - one.expiresAtMs) > movedMs),
    );
    if (isMoved || this.#isUsed(host, idle)) {
      this.#options.onCanary(host.name, 'used');
      return undefined;
    }
    return chooseModel(now);
  }

  async #loaded(host: IdleHost): Promise<readonly IdleModel[]> {
    // One that does not even say that is found out about by others.
    return this.#work.within(lookMs, signal => host.loaded(signal)).catch(() => []);
  }

  async #ask(host: IdleHost, { name: model, contextLength, remainingMs }: IdleModel, idle: Idle): Promise<void> {
    const { onCanary, nowMs, board } = this.#options;
    const giveBack = host.takeSlot(model);
    if (giveBack === undefined) {
      onCanary(host.name, 'skipped');
      return;
    }
    const stays = secondsOf(remainingMs + nowMs() - idle.sinceMs);
    if (stays >= 0 && !idle.stays.has(model)) {
      idle.stays.set(model, { model, contextLength, keepAliveSeconds: stays });
    }
    const kept = { model, contextLength, keepAliveSeconds: secondsOf(remainingMs) };
    try {
      await this.#work.within(answerMs, signal => host.generate(kept, signal));
      giveBack();
      onCanary(host.name, 'answered');
    } catch (error) {
      giveBack('aborted');
      if (this.#work.isGivenUp || this.#isUsed(host, idle)) return;
      // Whatever it says in words, it is no silence.
      onCanary(host.name, isSilence(error) ? 'silent' : 'refused');
      if (!isSilence(error)) return;
      board.condemn(host.name, 'first_token_timeout', {
        signal: 'generates_nothing',
        value: answerMs,
        threshold: null,
      });
    }
  }

  async #tellStays(host: IdleHost, { stays }: Idle): Promise<void> {
    if (stays.size === 0) return;
    const all = [...stays.values()];
    stays.clear();
    const loaded = await this.#loaded(host);
    for (const kept of all) {
      // One that was unloaded meanwhile is not loaded again for this.
      if (loaded.every(({ name }) => name !== kept.model)) continue;
      await this.#work.within(lookMs, signal => host.keep(kept, signal)).catch(this.#options.onFailure);
    }
  }
}

function chooseModel(loaded: readonly IdleModel[]): IdleModel | undefined {
  const [longest] = loaded
    .filter(({ contextLength, remainingMs }) => contextLength !== undefined && remainingMs >= leastRemainingMs)
    .toSorted((a, b) => b.remainingMs - a.remainingMs);
  return longest;
}

function secondsOf(ms: number): number {
  return ms >= foreverMs ? -1 : Math.floor(ms / 1000);
}
