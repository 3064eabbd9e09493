/**
 * Keeps a worker alive when memory gets short. Looks every second, four times as often once it is near the end; says what is to
 * be done and lets its owner do it. Owner: the composition root of a worker.
 *
 * What it may get wrong: a burst that would just have fitted is refused for some seconds, and a collection stops the worker for
 * as long as it takes.
 *
 * Stages: `normal` -> `shrink` -> `shed` -> `end`, any of them reached from any other; each begins higher than it ends (pressure.ts).
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import { type CollectReason, firstPauses, nextPauses, whyCollect } from './collect-decision.ts';
import { GcTime, GcWatch } from './gc-watch.ts';
import { type Leak, LeakForecast } from './leak-forecast.ts';
import {
  type MemoryLimits,
  type MemoryReading,
  type MemoryStage,
  nextStage,
  type Pressure,
  pressureOf,
} from './pressure.ts';
import { type Replace, ReplaceDecision } from './replace-decision.ts';

export type RawReading = Omit<MemoryReading, 'liveBytes'>;

export interface MemoryEffects {
  /**
   * The stage that is wanted has changed, or is `end` still: carried out as far as the healer may.
   * @returns whether new work is refused now
   */
  apply(stage: MemoryStage, pressure: Pressure): Promise<boolean>;
  /** @returns whether garbage may be collected, and was */
  collect(reason: CollectReason): Promise<boolean>;
  onCollected(collected: { readonly reason: CollectReason; readonly freedBytes: number; readonly ms: number }): void;
  /** Told when it changes. */
  onReplace(replace: Replace | null): void;
  onLeak(leak: Leak | undefined): void;
}

export interface MemoryGuardOptions {
  readonly limits: MemoryLimits;
  readonly read: () => RawReading;
  /** What requests and caches hold, roughly: what is no leak. */
  readonly knownBytes: () => number;
  /** Part of the time since it was last asked in which the event loop worked. */
  readonly utilisation: () => number;
  readonly effects: MemoryEffects;
  /** Asked before each look: whatever the healer must know before it may act. */
  readonly refresh: () => Promise<void>;
  /** Monotonic, in ms. */
  readonly clock: () => number;
  /** Wall clock, in ms. */
  readonly now: () => number;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

export interface MemoryView {
  readonly stage: MemoryStage;
  readonly pressure: Pressure;
  readonly reading: MemoryReading;
  readonly gcShare: number;
  readonly leak: Leak | undefined;
  readonly replace: Replace | null;
}

const lookEveryMs = 1000;
const lookOftenMs = 250;
/** So many looks in a row at which used heap is high say that it is no garbage. */
const confirmingLooks = 3;
/** A leak that takes longer than this is only told. */
const replaceBeforeMs = 30 * 60_000;
const warnBeforeMs = 24 * 60 * 60_000;
/** Part of the heap at which a leak has won. */
const exhaustedAt = 0.85;

export class MemoryGuard implements Resource {
  readonly name = 'memory-guard';
  readonly #options: MemoryGuardOptions;
  readonly #ticker: Ticker;
  readonly #gcs: GcWatch;
  readonly #gcTime = new GcTime();
  readonly #heapForecast = new LeakForecast();
  /** Of the heap and its buffers together. */
  readonly #allForecast = new LeakForecast();
  readonly #replace: ReplaceDecision;
  #liveBytes = 0;
  #majorAtMs: number;
  #pauses = firstPauses;
  #highLooks = 0;
  #stage: MemoryStage = 'normal';
  #isShedding = false;
  #pressure: Pressure = { value: 0, cause: 'live_heap' };
  #leak: Leak | undefined;
  #toldReplace: string | undefined;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
    const { limits, now, clock, random, onFailure } = options;
    this.#replace = new ReplaceDecision(limits, now);
    this.#majorAtMs = clock();
    this.#gcs = new GcWatch(gc => this.#onGc(gc));
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: lookEveryMs,
      tick: async () => {
        await this.look();
        return this.#isNear ? lookOftenMs : undefined;
      },
      random,
      onFailure,
    });
  }

  get view(): MemoryView {
    const { read, clock } = this.#options;
    return {
      stage: this.#stage,
      pressure: this.#pressure,
      reading: { ...read(), liveBytes: this.#liveBytes },
      gcShare: this.#gcTime.share(clock()),
      leak: this.#leak,
      replace: this.#replace.current,
    };
  }

  async start(): Promise<void> {
    this.#gcs.start();
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    this.#gcs.stop();
    await this.#ticker.stop();
  }

  /** It may have become worse than at the last look. */
  wake(): void {
    this.#ticker.wake();
  }

  async look(): Promise<void> {
    const { limits, read, utilisation, effects, refresh } = this.#options;
    await refresh();
    let raw = read();
    this.#liveBytes = Math.min(this.#liveBytes, raw.usedBytes);
    const collected = await this.#mayCollect(raw, utilisation());
    if (collected) raw = read();
    const isHigh = raw.usedBytes >= limits.shedAt * limits.heapBytes;
    this.#highLooks = isHigh ? this.#highLooks + 1 : 0;
    const reading = { ...raw, liveBytes: this.#liveBytes };
    this.#pressure = pressureOf(reading, limits, collected || this.#highLooks >= confirmingLooks);
    const stage = nextStage(this.#stage, this.#pressure.value, limits.shedAt);
    if (stage !== this.#stage || stage === 'end') this.#isShedding = await effects.apply(stage, this.#pressure);
    // What freed nothing the last time says nothing of the next.
    if (this.#stage !== 'normal' && stage === 'normal') this.#pauses = firstPauses;
    this.#stage = stage;
    this.#lookForReplacement(reading);
  }

  get #isNear(): boolean {
    return this.#stage !== 'normal' || this.#highLooks > 0;
  }

  async #mayCollect(raw: RawReading, utilisation: number): Promise<boolean> {
    const { limits, effects, clock, read } = this.#options;
    const reason = whyCollect({ usedBytes: raw.usedBytes, liveBytes: this.#liveBytes }, limits, {
      sinceMajorMs: clock() - this.#majorAtMs,
      pauses: this.#pauses,
      utilisation,
      isUnderPressure: this.#stage !== 'normal',
    });
    if (reason === undefined) return false;
    const beganMs = clock();
    if (!(await effects.collect(reason))) return false;
    const after = read();
    const { usedBytes } = after;
    this.#noteMajor(after);
    this.#pauses = nextPauses(this.#pauses, reason, raw.usedBytes, usedBytes);
    effects.onCollected({ reason, freedBytes: raw.usedBytes - usedBytes, ms: clock() - beganMs });
    return true;
  }

  #onGc({ isMajor, endedAtMs, durationMs }: { isMajor: boolean; endedAtMs: number; durationMs: number }): void {
    this.#gcTime.add(endedAtMs, durationMs);
    // Of one that this guard made it knows already, and more exactly.
    if (isMajor && endedAtMs > this.#majorAtMs) this.#noteMajor(this.#options.read());
  }

  #noteMajor({ usedBytes, externalBytes }: RawReading): void {
    this.#liveBytes = usedBytes;
    this.#majorAtMs = this.#options.clock();
    const unknown = usedBytes - this.#options.knownBytes();
    this.#heapForecast.add({ atMs: this.#majorAtMs, bytes: Math.max(0, unknown) });
    this.#allForecast.add({ atMs: this.#majorAtMs, bytes: Math.max(0, unknown + externalBytes) });
  }

  /** The one that ends first. */
  #findLeak(): Leak | undefined {
    const { limits, knownBytes } = this.#options;
    // The points leave out what is known, so the room that is left must, too.
    const known = knownBytes();
    const heap = this.#heapForecast.leak(exhaustedAt * limits.heapBytes - known);
    const all = this.#allForecast.leak(exhaustedAt * limits.rssBytes - known);
    return heap === undefined || (all !== undefined && all.leftMs < heap.leftMs) ? all : heap;
  }

  #lookForReplacement(reading: MemoryReading): void {
    const { knownBytes, effects, clock } = this.#options;
    const leak = this.#findLeak();
    const before = this.#leak;
    this.#leak = leak !== undefined && leak.leftMs < warnBeforeMs ? leak : undefined;
    if ((before === undefined) !== (this.#leak === undefined)) effects.onLeak(this.#leak);
    const replace = this.#replace.look({
      reading,
      gcShare: this.#gcTime.share(clock()),
      knownBytes: knownBytes(),
      isShedding: this.#isShedding,
      isLeaking: leak !== undefined && leak.leftMs < replaceBeforeMs,
    });
    if (replace?.reason === this.#toldReplace) return;
    this.#toldReplace = replace?.reason;
    effects.onReplace(replace);
  }
}
