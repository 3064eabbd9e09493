/**
 * Lets the stage of load be carried out as far as the healer may, and says so: to the log, the metrics and the journal. Owner: the
 * composition root of a worker.
 *
 * Load comes to all workers together, so that an episode is one record of all of them: of the worker that holds the episode, which
 * writes it before it refuses anybody, and completes it when its own load is over. What begins anew within a minute is the same
 * episode. Requests that any of them refused meanwhile are counted in it.
 */
import type { HealerInfo } from '../journal/healer.ts';
import type { Journal } from '../journal/journal.ts';
import type { HealingResult, JournalRecord } from '../journal/record.ts';
import { isShedding, type LoadReading, type LoadStage } from '../protection/load-stage.ts';
import type { LoadEffects } from '../protection/load-watch.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { HealerLicence } from './healer-licence.ts';

/** What the workers have in common of it. Nothing of this may throw. */
export interface SharedEpisode {
  /** @returns whether this worker is the one that tells of the episode; also where nobody can know */
  hold(): boolean;
  letGo(): void;
  /** @returns how many requests all workers have ever refused; undefined where nobody can know */
  addRefused(count: number): number | undefined;
}

export interface LoadTellerOptions {
  readonly info: HealerInfo;
  readonly licence: Pick<HealerLicence, 'may' | 'used'>;
  readonly journal: Pick<Journal, 'open' | 'complete'>;
  readonly events: Pick<Events, 'healed' | 'loadShed'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly episode: SharedEpisode;
  /** In ms; what the record names as its threshold, when delay is the reason. */
  readonly delayLimitMs: number;
  /** Monotonic. */
  readonly clock: () => number;
}

type May = 'on' | 'dry_run' | 'suppressed';

interface Told {
  readonly record: JournalRecord;
  readonly signal: string;
  readonly beganMs: number;
  readonly refusedBefore: number | undefined;
}

const sameEpisodeMs = 60_000;

export class LoadTeller implements LoadEffects {
  readonly #options: LoadTellerOptions;
  /** How the episode that goes on, or the one before, was told. */
  #toldAs: May | undefined;
  #isInEpisode = false;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #open: Told | undefined;
  #untold = 0;
  #stage: LoadStage = 'normal';

  constructor(options: LoadTellerOptions) {
    this.#options = options;
  }

  refused(priority: string): void {
    this.#untold++;
    this.#options.events.loadShed({ priority });
  }

  async apply(stage: LoadStage, reading: LoadReading): Promise<LoadStage> {
    const { licence } = this.#options;
    const may = licence.may();
    // They count in the record of whoever holds the episode.
    if (this.#untold > 0) this.#countRefused();
    if (isShedding(stage) && may !== 'off') await this.#goOn(may, reading);
    this.#logChange(stage, reading, may);
    if (!isShedding(stage) || may === 'off') await this.#finish('healed');
    return may === 'on' ? stage : 'normal';
  }

  /** The process leaves; what is open is over. */
  async stop(): Promise<void> {
    await this.#finish('no_effect');
  }

  #logChange(stage: LoadStage, { utilisation, delayMs }: LoadReading, healer: May | 'off'): void {
    if (stage === this.#stage) return;
    const fields = {
      stage,
      utilisation: Math.round(utilisation * 100) / 100,
      delay_ms: Math.round(delayMs),
      healer,
    };
    this.#options.log[isShedding(stage) ? 'warn' : 'info']('load', fields);
    this.#stage = stage;
  }

  async #goOn(may: May, reading: LoadReading): Promise<void> {
    const { clock, episode, licence } = this.#options;
    const isNews = may === 'on' && this.#toldAs !== 'on';
    const isOver = !this.#isInEpisode && clock() - this.#endedAtMs >= sameEpisodeMs;
    this.#isInEpisode = true;
    const isMine = episode.hold();
    // It goes on, or was thought to be over, and has its record; but not of what is done from now on.
    if (!isNews && !isOver) return;
    this.#toldAs = may;
    if (!isMine) return;
    if (may === 'on') licence.used();
    const told = await this.#tell(reading);
    if (may === 'on') this.#open = told;
    else await this.#complete(told, may);
  }

  async #finish(result: HealingResult): Promise<void> {
    if (this.#isInEpisode) {
      this.#endedAtMs = this.#options.clock();
      this.#isInEpisode = false;
      const open = this.#open;
      this.#open = undefined;
      if (open !== undefined) await this.#complete(open, result);
      this.#options.episode.letGo();
    }
  }

  async #tell({ utilisation, delayMs }: LoadReading): Promise<Told> {
    const { info, journal, clock, delayLimitMs } = this.#options;
    const isLate = delayMs >= delayLimitMs;
    const trigger = isLate
      ? { signal: 'loop_delay', value: Math.round(delayMs), threshold: delayLimitMs }
      : { signal: 'loop_busy', value: Math.round(utilisation * 1000) / 1000, threshold: null };
    const record = await journal.open({
      healer: info.name,
      trigger,
      decision:
        'The workers have more to do than they have time for: optional work stops, and the least urgent requests are refused.',
      action: 'shed',
      target: 'workers',
      ids: [],
    });
    return { record, signal: trigger.signal, beganMs: clock(), refusedBefore: this.#countRefused() };
  }

  async #complete({ record, signal, beganMs, refusedBefore }: Told, result: HealingResult): Promise<void> {
    const { info, journal, events, clock } = this.#options;
    const ms = Math.round(clock() - beganMs);
    const refused = this.#countRefused();
    const isKnown = refused !== undefined && refusedBefore !== undefined;
    await journal.complete(record, {
      result,
      duration_ms: ms,
      requests_affected: isKnown ? Math.max(0, refused - refusedBefore) : null,
    });
    events.healed({ healer: info.name, trigger: signal, result, seconds: ms / 1000 });
  }

  /** @returns how many all workers have refused, these ones included */
  #countRefused(): number | undefined {
    const count = this.#untold;
    this.#untold = 0;
    return this.#options.episode.addRefused(count);
  }
}
