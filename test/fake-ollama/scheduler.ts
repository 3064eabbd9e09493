/**
 * Which models are loaded, and who may use them. Owner: one fake server.
 * States of a runner: loaded and in use (users > 0) -> idle, with a timer -> unloaded; `keepAliveMs` 0 skips the timer.
 * Invariants: at most `maxLoaded` runners; one load at a time, in order of arrival, so that a slow load holds up
 * every other load; only requests that need a load count against `maxQueue`.
 */
import { nameKey } from './model-name.ts';
import type { FakeModel } from './models.ts';
import type { FakeOptions } from './options.ts';
import { createRunner, needsReload, type Runner } from './runner.ts';
import type { RunnerSettings } from './runner-options.ts';
import type { Timing } from './timing.ts';
import { requestCanceled, serverBusy } from './wire-error.ts';

export interface RunnerRequest {
  model: FakeModel;
  settings: RunnerSettings;
  keepAliveMs: number | undefined;
  /** A fault may make this one load slow or start from nothing. */
  loadMs?: number;
}

export interface SchedulerCounts {
  loads: number;
  evictions: number;
}

interface Pending extends RunnerRequest {
  signal: AbortSignal;
  resolve(runner: Runner): void;
  reject(error: Error): void;
}

const FOREVER_MS = 9_223_372_036_854;

export class Scheduler {
  readonly #options: FakeOptions;
  readonly #timing: Timing;
  readonly #changed: () => void;
  readonly #runners = new Map<string, Runner>();
  readonly #pending: Pending[] = [];
  readonly #counts = new Map<string, SchedulerCounts>();
  /** The request whose model is being loaded; it no longer counts as waiting. */
  #serving: Pending | undefined;
  #isCleared = false;
  #wake: () => void = () => {};

  constructor(options: FakeOptions, timing: Timing, changed: () => void) {
    this.#options = options;
    this.#timing = timing;
    this.#changed = changed;
  }

  get pending(): number {
    return this.#pending.length + Number(this.#serving !== undefined);
  }

  /** Loaded runners, the one that stays longest first. */
  loaded(): Runner[] {
    return [...this.#runners.values()].sort((left, right) => right.expiresAtMs - left.expiresAtMs);
  }

  counts(model: FakeModel): SchedulerCounts {
    const key = nameKey(model.name);
    const counts = this.#counts.get(key) ?? { loads: 0, evictions: 0 };
    this.#counts.set(key, counts);
    return counts;
  }

  /** A runner at once when the model is loaded with the same settings; undefined when it has to be scheduled. */
  tryAcquire(request: RunnerRequest): Runner | undefined {
    const runner = this.#runners.get(nameKey(request.model.name));
    if (!runner || request.loadMs !== undefined || needsReload(runner, request.settings)) return undefined;
    return this.#use(runner, request);
  }

  acquire(request: RunnerRequest, signal: AbortSignal): Promise<Runner> {
    const runner = this.tryAcquire(request);
    if (runner) return Promise.resolve(runner);
    if (this.#serving && this.#pending.length >= this.#options.maxQueue) return Promise.reject(serverBusy());
    return new Promise<Runner>((resolve, reject) => {
      this.#pending.push({ ...request, signal, resolve, reject });
      this.#changed();
      if (!this.#serving) void this.#pump();
    });
  }

  release(runner: Runner): void {
    runner.users--;
    if (runner.users > 0) return;
    if (runner.keepAliveMs <= 0) this.#unload(runner);
    else this.#startTimer(runner);
    this.#wake();
  }

  /** The runner that a model has now hangs in every generation until it is unloaded. */
  wedge(model: FakeModel): void {
    const runner = this.#runners.get(nameKey(model.name));
    if (runner) runner.isWedged = true;
  }

  /** Unload as soon as nobody uses it. */
  expire(model: FakeModel): void {
    const runner = this.#runners.get(nameKey(model.name));
    if (runner) this.#expire(runner);
  }

  clear(): void {
    for (const runner of this.#runners.values()) runner.stopTimer();
    this.#runners.clear();
    this.#counts.clear();
    this.#isCleared = true;
    this.#serving?.reject(requestCanceled());
    for (const pending of this.#pending.splice(0)) pending.reject(requestCanceled());
    this.#wake();
  }

  async #pump(): Promise<void> {
    for (let head = this.#pending.shift(); head; head = this.#pending.shift()) {
      this.#serving = head;
      this.#isCleared = false;
      try {
        await this.#serve(head);
      } catch (error) {
        head.reject(error instanceof Error ? error : new Error(String(error)));
      }
      this.#serving = undefined;
      this.#changed();
    }
  }

  async #serve(request: Pending): Promise<void> {
    const key = nameKey(request.model.name);
    for (let fresh = request.loadMs === undefined; ; fresh = true) {
      if (this.#isGivenUp(request)) throw requestCanceled();
      const runner = this.#runners.get(key);
      if (runner && fresh && !needsReload(runner, request.settings)) return request.resolve(this.#use(runner, request));
      const victim = runner ?? (this.#runners.size >= this.#options.maxLoaded ? this.#victim() : undefined);
      if (!victim) break;
      await this.#evict(victim);
    }
    await this.#timing.sleep(request.loadMs ?? this.#options.loadMs, request.signal);
    if (this.#isGivenUp(request)) throw requestCanceled();
    const runner = createRunner(request.model, request.settings, this.#options);
    this.#runners.set(key, runner);
    this.counts(request.model).loads++;
    request.resolve(this.#use(runner, request));
  }

  /** Its client left, or `clear` already refused it. */
  #isGivenUp(request: Pending): boolean {
    return request.signal.aborted || this.#isCleared;
  }

  async #evict(victim: Runner): Promise<void> {
    this.#expire(victim);
    while (this.#runners.get(victim.key) === victim) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** Idle runners go before busy ones, short-lived before long-lived. */
  #victim(): Runner | undefined {
    const all = [...this.#runners.values()].sort((left, right) => left.keepAliveMs - right.keepAliveMs);
    return all.find(runner => runner.users === 0) ?? all[0];
  }

  #expire(runner: Runner): void {
    runner.stopTimer();
    runner.keepAliveMs = 0;
    runner.expiresAtMs = this.#timing.now();
    if (runner.users === 0) this.#unload(runner);
  }

  #unload(runner: Runner): void {
    runner.stopTimer();
    if (this.#runners.get(runner.key) !== runner) return;
    this.#runners.delete(runner.key);
    this.counts(runner.model).evictions++;
    this.#wake();
    this.#changed();
  }

  #use(runner: Runner, request: RunnerRequest): Runner {
    runner.users++;
    runner.stopTimer();
    if (request.keepAliveMs !== undefined) runner.keepAliveMs = request.keepAliveMs;
    runner.expiresAtMs = this.#timing.now() + Math.min(runner.keepAliveMs, FOREVER_MS);
    return runner;
  }

  #startTimer(runner: Runner): void {
    runner.expiresAtMs = this.#timing.now() + Math.min(runner.keepAliveMs, FOREVER_MS);
    runner.stopTimer();
    if (runner.keepAliveMs < FOREVER_MS)
      runner.stopTimer = this.#timing.later(runner.keepAliveMs, () => this.#unload(runner));
  }
}
