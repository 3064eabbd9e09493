/**
 * The breakers of a worker, one per host and one per model on it, kept equal with those of the other workers. Owner: the
 * composition root of a worker.
 *
 * - Failures are counted by all workers together; that a breaker opened or closed is a row that all read, within `sync`. A
 *   success ends a row of failures as soon as its worker knows of it, by the next `sync`.
 * - While one is half open, one attempt of all workers is let through: whoever holds its trial.
 * - A store that cannot be asked changes nothing but that: each worker then goes by its own.
 */
import { Breaker, type BreakerLimits, type BreakerState, type Verdict } from './breaker.ts';
import { hostOf, LastName } from './breaker-name.ts';
import type { FailureSource } from './failure-rate.ts';
import { FailureRates } from './failure-rates.ts';
import { freePass, Pass } from './pass.ts';
import type { BreakerStore } from './shared-breakers.ts';
import { Suspects } from './suspects.ts';
import { Trials } from './trials.ts';

export interface BreakerChange {
  readonly name: string;
  readonly state: BreakerState;
  readonly before: BreakerState;
  /** Set when it opens for what was counted here. */
  readonly verdict?: Verdict | undefined;
  /** Of the last failure, where it would have opened and did not. */
  readonly cause?: string;
  /** `dry_run` and `suppressed`: it would have opened, and did not. */
  readonly done: 'opened' | 'closed' | 'half_opened' | 'dry_run' | 'suppressed';
  /** This process is the first to know: it tells the journal. */
  readonly first: boolean;
}

export interface BreakerBoardOptions {
  /** Undefined switches all of them off. */
  readonly limits: BreakerLimits | undefined;
  readonly hosts: readonly string[];
  readonly store: BreakerStore;
  /** Asked before one opens. */
  readonly mayOpen: () => 'on' | 'off' | 'dry_run' | 'suppressed';
  readonly onChange: (change: BreakerChange) => void;
  readonly nowMs: () => number;
  readonly random: () => number;
}

export interface BreakerView {
  readonly name: string;
  readonly host: string;
  readonly model: string | undefined;
  readonly state: BreakerState;
}

interface FailedAttempt {
  /** It was the one that tried what is half open. */
  readonly tried: boolean;
  /** The server has said it itself, so that it is there. */
  readonly isAnswered: boolean;
  readonly source: FailureSource;
}

const maxBreakers = 1000;
const nobody: FailureSource = {};

export class BreakerBoard {
  readonly #options: BreakerBoardOptions;
  readonly #breakers = new Map<string, Breaker>();
  readonly #hosts: ReadonlySet<string>;
  readonly #trials: Trials;
  readonly #rates: FailureRates;
  readonly #name = new LastName();
  readonly #suspects: Suspects;
  /** For which some worker counted failures in a row. */
  #failing = new Set<string>();

  constructor(options: BreakerBoardOptions) {
    this.#options = options;
    this.#hosts = new Set(options.hosts);
    this.#trials = new Trials(options.store, options.nowMs);
    this.#rates = new FailureRates(options.store, options.nowMs);
    this.#suspects = new Suspects(this.#rates, options.nowMs);
    for (const host of options.hosts) this.#breakers.set(host, new Breaker());
  }

  /** The worse of the two. */
  standing(host: string, model: string): BreakerState['is'] {
    const ofHost = this.#look(host);
    if (ofHost === 'open') return ofHost;
    const ofModel = this.#look(this.#name.of(host, model));
    return ofModel === 'closed' ? ofHost : ofModel;
  }

  /** For what it was opened; undefined while it is closed. */
  cause(host: string, model: string): string | undefined {
    for (const name of [host, this.#name.of(host, model)]) {
      const state = this.#breakers.get(name)?.state;
      if (state !== undefined && state.is !== 'closed') return state.cause;
    }
    return undefined;
  }

  /** From 0 to 1: what part of its usual share the host is to get. */
  share(host: string, model: string): number {
    const nowMs = this.#options.nowMs();
    const shares = [host, this.#name.of(host, model)].map(name => this.#breakers.get(name)?.share(nowMs) ?? 1);
    return Math.min(...shares);
  }

  /** @returns undefined when the host is to be left alone, or another attempt is trying it */
  enter(host: string, model: string, source: FailureSource = nobody): Pass | undefined {
    if (this.#options.limits === undefined) return freePass;
    const standing = this.standing(host, model);
    if (standing === 'open') return undefined;
    const named = this.#name.of(host, model);
    if (standing === 'closed') return new Pass({ host, model: named, source, trials: undefined, board: this });
    const trials = this.#trials.take([host, named].filter(name => this.#isTried(name)));
    return trials === undefined ? undefined : new Pass({ host, model: named, source, trials, board: this });
  }

  /** The host was silent and answers its probe again: it and its models are tried at once. */
  heard(host: string): void {
    for (const [name, breaker] of this.#breakers) {
      if (breaker.state.is !== 'open' || hostOf(name) !== host) continue;
      this.#change(name, breaker, () => void breaker.halfOpen(this.#options.nowMs()));
    }
  }

  /** A host, or a model on it, is left alone for what was seen beside the attempts of requests. */
  condemn(name: string, cause: string, verdict: Verdict): void {
    if (this.#options.limits === undefined || !this.#hosts.has(hostOf(name))) return;
    const breaker = this.#of(name);
    if (breaker.state.is !== 'closed') return;
    this.#openFor(name, breaker, { cause, verdict, limits: this.#options.limits });
  }

  /** @returns false when there is none of that name */
  reset(name: string): boolean {
    const breaker = this.#breakers.get(name);
    if (breaker === undefined) return false;
    const { is, sinceMs } = breaker.state;
    // Whoever does it by hand knows that it is well: it gets its whole share at once.
    if (is === 'closed') breaker.close(sinceMs, 0);
    else this.#change(name, breaker, () => breaker.close(this.#options.nowMs(), 0));
    return true;
  }

  /** Takes over what other workers saw since. Called on a schedule, several times a second. */
  sync(): void {
    const { store } = this.#options;
    this.#failing = new Set(store.failing());
    this.#rates.sync(name => this.#breakers.get(name));
    for (const { name, cause, verdict } of this.#suspects.guilty(this.#failing)) {
      const { limits } = this.#options;
      const breaker = this.#of(name);
      if (limits !== undefined && breaker.state.is === 'closed')
        this.#openFor(name, breaker, { cause, verdict, limits });
    }
    for (const { name, state } of store.all()) {
      const breaker = this.#breakers.get(name) ?? (state.is === 'closed' ? undefined : this.#make(name));
      if (breaker === undefined || breaker.state.sinceMs >= state.sinceMs) continue;
      const before = breaker.state;
      breaker.adopt(state);
      if (before.is === state.is) continue;
      this.#options.onChange({ name, state, before, done: doneOf(state), first: false });
    }
    for (const name of this.#breakers.keys()) this.#look(name);
  }

  list(): BreakerView[] {
    return [...this.#breakers].map(([name, { state }]) => {
      const host = hostOf(name);
      return { name, host, model: host === name ? undefined : name.slice(host.length + 1), state };
    });
  }

  // --- what a pass tells ---

  countSuccess(host: string, model: string, owner?: string): void {
    const nowMs = this.#options.nowMs();
    this.#breakers.get(host)?.succeeded(nowMs, owner);
    if (model !== host) this.#of(model).succeeded(nowMs, owner);
    // Nearly always empty: a success writes nothing where nothing failed.
    if (this.#failing.size === 0) return;
    for (const name of [host, model]) if (this.#failing.has(name)) this.#endRow(name);
  }

  closeTrial(name: string): void {
    const breaker = this.#breakers.get(name);
    if (breaker?.state.is === 'half_open') this.#close(name, breaker);
  }

  countFailure(name: string, cause: string, { tried, source, isAnswered }: FailedAttempt): void {
    const { limits, nowMs } = this.#options;
    if (limits === undefined) return;
    const breaker = this.#of(name);
    const { is } = breaker.state;
    const inARow = breaker.failed(nowMs(), limits) ?? this.#together(name, limits);
    // What is left alone already is not judged by its rate.
    const byRate = is === 'closed' ? this.#rates.failed(name, breaker, source, limits) : undefined;
    const waits = is === 'closed' && isAnswered && this.#suspects.waits({ name, cause, source, verdict: inARow });
    const verdict = waits ? byRate : (inARow ?? byRate);
    this.#failing.add(name);
    // Attempts that were under way when it opened tell nothing new; a trial that failed opens it, whatever was counted.
    const opens = is === 'half_open' ? tried : is === 'closed' && verdict !== undefined;
    if (opens) this.#openFor(name, breaker, { cause, verdict, limits });
  }

  // --- inside ---

  #openFor(
    name: string,
    breaker: Breaker,
    { cause, verdict, limits }: { cause: string; verdict: Verdict | undefined; limits: BreakerLimits },
  ): void {
    const { nowMs, random, mayOpen, onChange } = this.#options;
    const { is } = breaker.state;
    const may = mayOpen();
    // One that is open already is no new action of the budget.
    if (may === 'on' || (may === 'suppressed' && is === 'half_open')) {
      this.#change(name, breaker, () => breaker.open(nowMs(), cause, limits, random), verdict);
      return;
    }
    // Switched off or to a dry run while it was open.
    if (is === 'half_open') this.#close(name, breaker);
    else breaker.forget();
    this.#rates.clear(name);
    this.#endRow(name);
    if (may === 'off') return;
    onChange({ name, state: breaker.state, before: breaker.state, verdict, cause, done: may, first: true });
  }

  /** Time alone makes an open one half open. */
  #look(name: string): BreakerState['is'] {
    const breaker = this.#breakers.get(name);
    if (breaker === undefined) return 'closed';
    const { state } = breaker;
    if (state.is === 'open' && this.#options.nowMs() >= state.untilMs) {
      this.#change(name, breaker, () => void breaker.halfOpen(this.#options.nowMs()));
    }
    return breaker.state.is;
  }

  #isTried(name: string): boolean {
    return this.#breakers.get(name)?.state.is === 'half_open';
  }

  /** The row that all workers counted. */
  #together(name: string, { failures }: BreakerLimits): Verdict | undefined {
    const value = this.#options.store.addFailure(name) ?? 0;
    return value >= failures ? { signal: 'consecutive_failures', value, threshold: failures } : undefined;
  }

  #endRow(name: string): void {
    this.#suspects.delete(name);
    this.#failing.delete(name);
    this.#options.store.clearFailures(name);
  }

  #close(name: string, breaker: Breaker): void {
    this.#change(name, breaker, () => breaker.close(this.#options.nowMs()));
  }

  #change(name: string, breaker: Breaker, act: () => void, verdict?: Verdict): void {
    const before = breaker.state;
    act();
    const { state } = breaker;
    this.#rates.clear(name);
    this.#endRow(name);
    const first = this.#options.store.put({ name, state });
    this.#options.onChange({ name, state, before, verdict, done: doneOf(state), first });
  }

  #of(name: string): Breaker {
    return this.#breakers.get(name) ?? this.#make(name);
  }

  #make(name: string): Breaker {
    if (this.#breakers.size >= maxBreakers) this.#forgetOne();
    const breaker = new Breaker();
    this.#breakers.set(name, breaker);
    return breaker;
  }

  /** Of a model that has long been well, if there is one. */
  #forgetOne(): void {
    for (const [name, { state }] of this.#breakers) {
      if (state.is !== 'closed' || this.#hosts.has(name)) continue;
      this.#breakers.delete(name);
      return;
    }
  }
}

function doneOf(state: BreakerState): 'opened' | 'closed' | 'half_opened' {
  if (state.is === 'open') return 'opened';
  return state.is === 'closed' ? 'closed' : 'half_opened';
}
