/**
 * Looks after breakers that are not closed: takes over what other workers saw, asks a host that went away whether it is back,
 * and tries what is half open with one token when no real request does. Owner: the composition root of a worker.
 *
 * Of all workers one looks at a host at a time.
 */
import { DeciError } from '../kernel/errors.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { BreakerBoard, BreakerView } from './breaker-board.ts';
import { classifyFailure, type FailureClass } from './failure-class.ts';
import type { Pass } from './pass.ts';
import { SideWork } from './side-work.ts';
import type { TrialStore } from './trials.ts';

export interface ProbedHost {
  readonly name: string;
  /** @throws while it does not answer */
  look(signal: AbortSignal): Promise<void>;
  /** Names of the models it has in memory. */
  loaded(signal: AbortSignal): Promise<readonly string[]>;
  /** Generates one token, or embeds one. @throws DeciError */
  generate(model: string, signal: AbortSignal): Promise<void>;
}

export interface BreakerProbeOptions {
  readonly board: BreakerBoard;
  readonly hosts: readonly ProbedHost[];
  readonly store: TrialStore;
  /** The first thing of each round. */
  readonly refresh: () => Promise<void>;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const intervalMs = 400;
const lookMs = 2000;
const lookAgainMs = 800;
const generateMs = 20_000;
/** Real requests go first: nothing is generated for what they are about to try. */
const quietMs = 1000;

export class BreakerProbe implements Resource {
  readonly name = 'breaker-probe';
  readonly #options: BreakerProbeOptions;
  readonly #ticker: Ticker;
  /** A trial of one token outlasts a round. */
  readonly #work: SideWork;
  readonly #lookedAtMs = new Map<string, number>();
  /** Hosts that did not answer when they were last looked at. */
  readonly #silent = new Set<string>();

  constructor(options: BreakerProbeOptions) {
    this.#options = options;
    this.#work = new SideWork(options.onFailure);
    this.#ticker = new Ticker({
      name: this.name,
      tick: () => this.#round(),
      intervalMs,
      onFailure: options.onFailure,
      random: options.random,
    });
  }

  start(): Promise<void> {
    void this.#ticker.start();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    const ended = this.#work.stop();
    await this.#ticker.stop();
    await ended;
  }

  async #round(): Promise<undefined> {
    const { board, refresh } = this.#options;
    await refresh();
    board.sync();
    for (const view of board.list()) {
      if (view.state.is !== 'closed') this.#work.begin(view.name, () => this.#attend(view));
    }
    return undefined;
  }

  async #attend(view: BreakerView): Promise<void> {
    const host = this.#options.hosts.find(({ name }) => name === view.host);
    if (host === undefined) return;
    if (view.state.is === 'half_open') {
      if (this.#options.nowMs() - view.state.sinceMs >= quietMs) await this.#try(host, view);
    } else if (view.model === undefined && view.state.is === 'open') {
      await this.#look(host, view.state.cause);
    }
  }

  /** A host that was silent and speaks again is tried at once. One that spoke all the time has to wait. */
  async #look(host: ProbedHost, cause: string): Promise<void> {
    const { store, nowMs, board } = this.#options;
    if (nowMs() - (this.#lookedAtMs.get(host.name) ?? Number.NEGATIVE_INFINITY) < lookAgainMs) return;
    const release = store.takeTrial(`${host.name} look`);
    if (release === undefined) return;
    this.#lookedAtMs.set(host.name, nowMs());
    try {
      const answers = await this.#answers(host);
      if (!answers) {
        this.#silent.add(host.name);
      } else if (this.#silent.delete(host.name) || cause === 'upstream_unreachable') {
        board.heard(host.name);
      }
    } finally {
      release();
    }
  }

  async #try(host: ProbedHost, view: BreakerView): Promise<void> {
    const loaded = await this.#loaded(host);
    const trial = loaded === undefined ? 'lost' : chooseTrial(view, loaded);
    if (trial === 'wait') return;
    const pass = this.#options.board.enter(host.name, view.model ?? '');
    if (pass === undefined) return;
    try {
      if (trial === 'lost') throw new DeciError('upstream_unreachable');
      const { model } = trial;
      if (model !== undefined) await this.#work.within(generateMs, signal => host.generate(model, signal));
      pass.succeeded();
    } catch (thrown) {
      if (this.#work.isGivenUp) return;
      const failure = fail(pass, thrown);
      if (failure === 'first_token_timeout' && trial !== 'lost') this.#name(host, view, trial.model);
    } finally {
      pass.left();
    }
  }

  /** The model that a host was tried with and that generated nothing: whoever heals it looks for such. */
  #name(host: ProbedHost, view: BreakerView, model: string | undefined): void {
    if (view.model !== undefined || model === undefined) return;
    const verdict = { signal: 'generates_nothing', value: generateMs, threshold: null } as const;
    this.#options.board.condemn(`${host.name} ${model.toLowerCase()}`, 'first_token_timeout', verdict);
  }

  async #answers(host: ProbedHost): Promise<boolean> {
    try {
      await this.#work.within(lookMs, signal => host.look(signal));
      return true;
    } catch {
      return false;
    }
  }

  /** Undefined when it does not say. */
  async #loaded(host: ProbedHost): Promise<readonly string[] | undefined> {
    try {
      return await this.#work.within(lookMs, signal => host.loaded(signal));
    } catch {
      return undefined;
    }
  }
}

function fail(pass: Pass, thrown: unknown): FailureClass {
  const error = thrown instanceof DeciError ? thrown : new DeciError('upstream_broken', { cause: thrown });
  const failure = classifyFailure(error, true);
  // It answers: what it does not do for anybody is no failure, and would be asked again and again.
  if (failure === 'client_error' || failure === 'model_missing') pass.succeeded();
  else pass.failed(failure, error.code);
  return failure;
}

/**
 * Nothing is loaded for a trial, it could throw another model out: a request that wants the model comes, and for a host that
 * was only out of reach being there is enough.
 */
function chooseTrial({ model, state }: BreakerView, loaded: readonly string[]): 'wait' | { readonly model?: string } {
  const found = loaded.find(one => model === undefined || one.toLowerCase() === model);
  if (found !== undefined) return { model: found };
  const wasGone = state.is === 'half_open' && transport.has(state.cause);
  return model === undefined && loaded.length === 0 && wasGone ? {} : 'wait';
}

const transport: ReadonlySet<string> = new Set(['upstream_unreachable', 'upstream_broken', 'upstream_invalid']);
