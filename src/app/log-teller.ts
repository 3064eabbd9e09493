/**
 * Looks once a second where the lines of this process's log go, and says so: to the metrics and the journal. Whether they may go
 * elsewhere is for the healer's mode. Owner: the composition root of each process.
 *
 * A disk that is full is so for all processes: an episode has one record, of the process that holds it, which is completed when its own
 * lines go where they belong again.
 */
import type { HealerInfo } from '../journal/healer.ts';
import type { Journal } from '../journal/journal.ts';
import type { HealingResult, JournalRecord } from '../journal/record.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { Events } from '../telemetry/events.ts';
import type { LogHealth } from '../telemetry/log-files.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { HealerLicence } from './healer-licence.ts';
import type { HeldEpisode } from './shared-episode.ts';

export interface LogTellerOptions {
  readonly info: HealerInfo;
  readonly licence: Pick<HealerLicence, 'may' | 'used' | 'refresh'>;
  readonly journal: Pick<Journal, 'open' | 'complete'>;
  readonly events: Pick<Events, 'healed' | 'logHealth' | 'logLinesLost'>;
  readonly log: Pick<Logger, 'health' | 'allowFallback'>;
  readonly episode: HeldEpisode;
  readonly dir: string;
  /** Monotonic. */
  readonly clock: () => number;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const lookEveryMs = 1000;

export class LogTeller implements Resource {
  readonly name = 'log-teller';
  readonly #options: LogTellerOptions;
  readonly #ticker: Ticker;
  #lost = 0;
  #isInEpisode = false;
  #isTold = false;
  #open: { readonly record: JournalRecord; readonly beganMs: number } | undefined;

  constructor(options: LogTellerOptions) {
    this.#options = options;
    const { random, onFailure } = options;
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: lookEveryMs,
      tick: async () => {
        await this.look();
        return undefined;
      },
      random,
      onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
    await this.#finish('no_effect');
  }

  async look(): Promise<void> {
    const { log, licence, events } = this.#options;
    await licence.refresh();
    const may = licence.may();
    // An episode that goes on has its budget already.
    log.allowFallback(may === 'on' || (may === 'suppressed' && this.#isInEpisode));
    const health = log.health();
    if (health.lostLines > this.#lost) events.logLinesLost({ count: health.lostLines - this.#lost });
    this.#lost = health.lostLines;
    events.logHealth(health);
    if (health.is === 'well') await this.#finish('healed');
    else await this.#goOn(may, health);
  }

  async #goOn(may: ReturnType<HealerLicence['may']>, health: LogHealth): Promise<void> {
    const { episode, licence, clock } = this.#options;
    this.#isInEpisode = true;
    if (!episode.hold() || this.#isTold || may === 'off') return;
    this.#isTold = true;
    if (may === 'on') licence.used();
    const record = await this.#tell(health);
    this.#open = { record, beganMs: clock() };
    if (may !== 'on') await this.#finish(may);
  }

  async #tell({ cause, is }: LogHealth): Promise<JournalRecord> {
    const { info, journal, dir } = this.#options;
    return await journal.open({
      healer: info.name,
      trigger: { signal: 'log_folder', value: cause ?? is, threshold: null },
      decision: 'The log folder takes no lines: they go to another one, or wait in memory, until it does.',
      action: 'log_elsewhere',
      target: dir,
      ids: [],
    });
  }

  async #finish(result: HealingResult): Promise<void> {
    const { info, journal, events, clock, episode } = this.#options;
    const open = this.#open;
    this.#open = undefined;
    if (result !== 'dry_run' && result !== 'suppressed') {
      // Held until its time is over: the others try again when it is their turn, and it is the same episode for them.
      if (this.#isInEpisode && result === 'no_effect') episode.letGo();
      this.#isInEpisode = false;
      this.#isTold = false;
    }
    if (open === undefined) return;
    const ms = Math.round(clock() - open.beganMs);
    await journal.complete(open.record, { result, duration_ms: ms, requests_affected: 0 });
    events.healed({ healer: info.name, trigger: 'log_folder', result, seconds: ms / 1000 });
  }
}
