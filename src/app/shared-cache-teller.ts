/**
 * Says that the shared cache was damaged, gone, full, or is left alone: to the log, the metrics and the journal; and whether a
 * damaged one may be made anew, and a full one emptied. Owner: the composition root of a worker. No request waits for any of it.
 */
import type { HealerInfo } from '../journal/healer.ts';
import type { Journal } from '../journal/journal.ts';
import type { HealingResult } from '../journal/record.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { HealerLicence } from './healer-licence.ts';

export interface SharedCacheTellerOptions {
  readonly info: HealerInfo;
  readonly licence: Pick<HealerLicence, 'may' | 'used'>;
  readonly journal: Pick<Journal, 'open' | 'complete'>;
  readonly events: Pick<Events, 'sharedCacheState' | 'healed'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly path: string;
  /** Monotonic. */
  readonly clock: () => number;
}

type Action = 'rebuild' | 'leave_alone' | 'evict';

const signals = { rebuild: 'cache_lost', leave_alone: 'cache_fails', evict: 'cache_full' } as const;
const decisions = {
  rebuild: 'What is recorded can be generated again.',
  leave_alone: 'Requests must not wait for it.',
  evict: 'What was not used for the longest time is the least loss.',
} as const;
/** A cache at its bound is full again and again; with so long in between, that is another episode. */
const fullEpisodeMs = 600_000;

export class SharedCacheTeller {
  readonly #options: SharedCacheTellerOptions;
  #fullAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SharedCacheTellerOptions) {
    this.#options = options;
    options.events.sharedCacheState({ usable: true });
  }

  /** @param cause why the file cannot be used @returns whether it may be made anew */
  mayRebuild(cause: Error): boolean {
    const may = this.#options.licence.may();
    if (may === 'dry_run' || may === 'suppressed') void this.#record(cause, 'rebuild', may);
    return may === 'on';
  }

  rebuilt(cause: Error): void {
    this.#options.log.warn('the shared cache was lost and made anew', { cause: cause.message });
    this.#options.licence.used();
    void this.#record(cause, 'rebuild', 'healed');
  }

  /** @returns whether older entries may go */
  mayEvict(cause: Error): boolean {
    const may = this.#options.licence.may();
    if (may !== 'on' && this.#isNewlyFull() && may !== 'off') void this.#record(cause, 'evict', may);
    return may === 'on';
  }

  evicted(cause: Error, entries: number): void {
    if (!this.#isNewlyFull()) return;
    this.#options.log.warn('the shared cache is full: what was not used for long goes', {
      cause: cause.message,
      entries,
    });
    this.#options.licence.used();
    void this.#record(cause, 'evict', entries > 0 ? 'healed' : 'no_effect');
  }

  leftAlone(cause: unknown): void {
    this.#options.events.sharedCacheState({ usable: false });
    this.#options.log.warn('the shared cache cannot be used and is left alone for a while', { cause: String(cause) });
    void this.#record(cause instanceof Error ? cause : new Error(String(cause)), 'leave_alone', 'healed');
  }

  usedAgain(): void {
    this.#options.events.sharedCacheState({ usable: true });
    this.#options.log.info('the shared cache is used again');
  }

  #isNewlyFull(): boolean {
    const atMs = this.#options.clock();
    const isNew = atMs - this.#fullAtMs > fullEpisodeMs;
    this.#fullAtMs = atMs;
    return isNew;
  }

  async #record(cause: Error, action: Action, result: HealingResult): Promise<void> {
    const { info, journal, events, path } = this.#options;
    const signal = signals[action];
    const record = await journal.open({
      healer: info.name,
      trigger: { signal, value: cause.message.slice(0, 300), threshold: null },
      decision: decisions[action],
      action,
      target: path,
      ids: [],
    });
    await journal.complete(record, { result, duration_ms: 0, requests_affected: 0 });
    events.healed({ healer: info.name, trigger: signal, result, seconds: 0 });
  }
}
