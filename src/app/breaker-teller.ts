/**
 * Says of each breaker that changes: to the log, the metrics and the journal. Says to the board whether one may open: not when
 * the healer is switched off or to a dry run, nor above its budget. Owner: the composition root of a worker.
 *
 * Of all workers the one that changed the shared state writes the record; it never waits for the disk, since what fails must be
 * left alone at once.
 */
import type { HealerInfo, HealerMode } from '../journal/healer.ts';
import type { Journal } from '../journal/journal.ts';
import type { HealingResult } from '../journal/record.ts';
import type { BreakerChange } from '../resilience/breaker-board.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import { HealerLicence } from './healer-licence.ts';

export interface BreakerTellerOptions {
  readonly info: HealerInfo;
  readonly journal: Pick<Journal, 'open' | 'complete' | 'countSince' | 'flush'>;
  readonly modeOf: (name: string) => Promise<HealerMode>;
  readonly events: Pick<Events, 'breakerChanged' | 'breakerState' | 'healed'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly nowMs: () => number;
}

const results: Readonly<Record<BreakerChange['done'], HealingResult>> = {
  opened: 'healed',
  closed: 'healed',
  half_opened: 'healed',
  dry_run: 'dry_run',
  suppressed: 'suppressed',
};

export class BreakerTeller {
  readonly #options: BreakerTellerOptions;
  readonly licence: HealerLicence;

  constructor(options: BreakerTellerOptions) {
    this.#options = options;
    this.licence = new HealerLicence(options);
  }

  tell(change: BreakerChange): void {
    const { events, log } = this.#options;
    const { name, state, done } = change;
    const [upstream = name, model] = name.split(' ');
    if (model === undefined) events.breakerState({ upstream, state: state.is });
    if (!change.first) return;
    events.breakerChanged({ upstream, level: model === undefined ? 'host' : 'model', change: done });
    const fields = { breaker: name, cause: state.is === 'closed' ? undefined : state.cause, ...change.verdict };
    if (done === 'half_opened') log.info('a breaker is tried', fields);
    else log.warn(`a breaker ${sentences[done]}`, fields);
    if (done !== 'half_opened') void this.#record(change);
  }

  async #record(change: BreakerChange): Promise<void> {
    const { info, journal, events } = this.#options;
    const { name, done, verdict } = change;
    if (done === 'opened') this.licence.used();
    const closes = done === 'closed';
    const { signal, value, threshold } = verdict ?? {
      ...noVerdict,
      signal: closes ? 'trial_succeeded' : 'trial_failed',
    };
    const record = await journal.open({
      healer: info.name,
      trigger: { signal, value, threshold },
      decision: closes
        ? 'It answers again, or was reset by hand.'
        : `It is left alone for a moment: ${causeOf(change)}.`,
      action: closes ? 'close' : 'open',
      target: name,
      ids: [],
    });
    const result = results[done];
    // Attempts were counted, not requests: how many of them got their answer elsewhere nobody knows here.
    await journal.complete(record, { result, duration_ms: 0, requests_affected: null });
    events.healed({ healer: info.name, trigger: signal, result, seconds: 0 });
  }
}

const noVerdict = { value: null, threshold: null } as const;

function causeOf({ state, cause }: BreakerChange): string {
  return state.is === 'closed' ? (cause ?? 'it failed') : state.cause;
}

const sentences: Readonly<Record<BreakerChange['done'], string>> = {
  opened: 'opened',
  closed: 'closed',
  half_opened: 'is tried',
  dry_run: 'would have opened (dry run)',
  suppressed: 'would have opened (budget used up)',
};
