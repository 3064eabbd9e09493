/**
 * Carries out what the memory guard wants, as far as the healer may, and says so: to the log, the metrics and the journal.
 * Owner: the composition root of a worker.
 *
 * One record an episode: from the first thing that is done until all is normal again; what begins anew within a minute belongs to
 * the same. The record is on the disk before anything is done, or the store has had its 400 ms.
 */
import type { HealerInfo } from '../journal/healer.ts';
import type { Journal } from '../journal/journal.ts';
import type { HealingResult, JournalRecord } from '../journal/record.ts';
import type { CollectReason } from '../memory/collect-decision.ts';
import type { Leak } from '../memory/leak-forecast.ts';
import type { MemoryEffects } from '../memory/memory-guard.ts';
import type { MemoryStage, Pressure } from '../memory/pressure.ts';
import type { Replace } from '../memory/replace-decision.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { HealerLicence } from './healer-licence.ts';

export interface MemoryTellerOptions {
  readonly info: HealerInfo;
  readonly licence: Pick<HealerLicence, 'may' | 'used'>;
  readonly journal: Pick<Journal, 'open' | 'complete'>;
  readonly events: Pick<Events, 'healed' | 'memoryCollected' | 'memoryEnded' | 'memoryRefused'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** `worker PID`. */
  readonly target: string;
  readonly shedAt: number;
  readonly acts: {
    /** Optional memory goes, and connections are not kept, or both as ever. */
    shrink(isOn: boolean): void;
    /** @returns how many answers were ended */
    endMostExpensive(): number;
    collectGarbage(): void;
  };
  /** Monotonic. */
  readonly clock: () => number;
}

interface Told {
  readonly record: JournalRecord;
  readonly signal: string;
  readonly beganMs: number;
}

const sameEpisodeMs = 60_000;
/** A heap that is large for hours is collected again and again, and is one episode. */
const sameCollectingMs = 600_000;
/** Between two rounds of ending answers, so that what the first freed can be seen. */
const betweenEndsMs = 1000;

export class MemoryTeller implements MemoryEffects {
  readonly #options: MemoryTellerOptions;
  #isShedding = false;
  #affected = 0;
  #open: Told | undefined;
  #isInEpisode = false;
  /** How its record was told; a healer may be switched on meanwhile. */
  #toldAs: 'on' | 'dry_run' | 'suppressed' | undefined;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #collectedAtMs = Number.NEGATIVE_INFINITY;
  #endedAnswersAtMs = Number.NEGATIVE_INFINITY;
  #stage: MemoryStage = 'normal';

  constructor(options: MemoryTellerOptions) {
    this.#options = options;
  }

  /** Whether new work is refused now. */
  get isShedding(): boolean {
    return this.#isShedding;
  }

  /** Of the record of the episode that goes on, if it has one. */
  get recordId(): string | undefined {
    return this.#open?.record.id;
  }

  refused(why: 'shed' | 'no_room'): void {
    this.#options.events.memoryRefused({ why });
    if (why === 'shed') this.#affected++;
  }

  async apply(stage: MemoryStage, pressure: Pressure): Promise<boolean> {
    const { acts, licence, log } = this.#options;
    const may = licence.may();
    if (stage !== 'normal' && may !== 'off') await this.#begin(may, pressure);
    const allowed = may === 'on' ? stage : 'normal';
    const fields = { stage, pressure: Math.round(pressure.value * 100) / 100, cause: pressure.cause, healer: may };
    if (stage !== this.#stage) log[stage === 'normal' ? 'info' : 'warn']('memory', fields);
    this.#stage = stage;
    acts.shrink(allowed !== 'normal');
    this.#isShedding = allowed === 'shed' || allowed === 'end';
    if (allowed === 'end') this.#endAnswers();
    if (stage === 'normal') await this.#finish('healed');
    return this.#isShedding;
  }

  async collect(reason: CollectReason): Promise<boolean> {
    const { licence, acts } = this.#options;
    if (licence.may() !== 'on') return false;
    const told = reason === 'early' ? await this.#beginCollecting() : undefined;
    acts.collectGarbage();
    if (told !== undefined) await this.#complete(told, 'healed');
    return true;
  }

  onCollected({ reason, freedBytes, ms }: { reason: CollectReason; freedBytes: number; ms: number }): void {
    this.#options.events.memoryCollected({ reason });
    const freed_mb = Math.round(freedBytes / 1_048_576);
    if (reason !== 'look') this.#options.log.info('garbage was collected', { reason, freed_mb, ms: Math.round(ms) });
  }

  onReplace(replace: Replace | null): void {
    const { log } = this.#options;
    if (replace === null) log.info('this worker need not be replaced any more');
    else log.warn('this worker asks to be replaced', { ...replace });
  }

  onLeak(leak: Leak | undefined): void {
    const { log } = this.#options;
    if (leak === undefined) {
      log.info('memory does not grow any more');
      return;
    }
    const { bytesPerHour, leftMs } = leak;
    log.warn('memory grows steadily and will be used up', {
      mb_per_hour: Math.round(bytesPerHour / 1_048_576),
      hours_left: Math.round(leftMs / 360_000) / 10,
    });
  }

  /** The process leaves; what is open is over. */
  async stop(): Promise<void> {
    await this.#finish('no_effect');
  }

  async #begin(may: 'on' | 'dry_run' | 'suppressed', { value, cause }: Pressure): Promise<void> {
    const { clock, licence, shedAt } = this.#options;
    const isNews = may === 'on' && this.#toldAs !== 'on';
    const isOver = !this.#isInEpisode && clock() - this.#endedAtMs >= sameEpisodeMs;
    this.#isInEpisode = true;
    // It goes on, or was thought to be over, and has its record; but not of what is done from now on.
    if (!isNews && !isOver) return;
    this.#toldAs = may;
    if (may === 'on') licence.used();
    const percent = Math.round(shedAt * 100);
    const told = await this.#tell(cause, value, shedAt, {
      action: 'relieve',
      decision: `Memory is short: the cache shrinks, from ${percent} % on new work is refused, and behind that the most expensive answers end.`,
    });
    this.#open = told;
    if (may !== 'on') await this.#completeOpen(may);
  }

  async #finish(result: HealingResult): Promise<void> {
    if (this.#isInEpisode) this.#endedAtMs = this.#options.clock();
    this.#isInEpisode = false;
    await this.#completeOpen(result);
  }

  async #completeOpen(result: HealingResult): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    await this.#complete(open, result);
    this.#affected = 0;
  }

  async #beginCollecting(): Promise<Told | undefined> {
    const { clock, licence } = this.#options;
    const isSame = clock() - this.#collectedAtMs < sameCollectingMs;
    this.#collectedAtMs = clock();
    if (isSame) return undefined;
    licence.used();
    return this.#tell('heap_high', null, null, {
      action: 'collect',
      decision: 'Much of the heap is garbage, and the worker has time.',
    });
  }

  async #tell(
    signal: string,
    value: number | null,
    threshold: number | null,
    what: { action: string; decision: string },
  ): Promise<Told> {
    const { info, journal, target, clock } = this.#options;
    const beganMs = clock();
    const shown = value === null ? null : Math.round(value * 1000) / 1000;
    const trigger = { signal, value: shown, threshold };
    const record = await journal.open({ healer: info.name, trigger, target, ids: [], ...what });
    return { record, signal, beganMs };
  }

  async #complete({ record, signal, beganMs }: Told, result: HealingResult): Promise<void> {
    const { info, journal, events, clock } = this.#options;
    const ms = Math.round(clock() - beganMs);
    await journal.complete(record, { result, duration_ms: ms, requests_affected: this.#affected });
    events.healed({ healer: info.name, trigger: signal, result, seconds: ms / 1000 });
  }

  #endAnswers(): void {
    const { acts, clock, events, log } = this.#options;
    if (clock() - this.#endedAnswersAtMs < betweenEndsMs) return;
    this.#endedAnswersAtMs = clock();
    const count = acts.endMostExpensive();
    if (count === 0) return;
    this.#affected += count;
    events.memoryEnded({ count });
    log.warn('memory is nearly gone: answers were ended', { count });
  }
}
