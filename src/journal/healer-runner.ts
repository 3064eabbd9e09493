/**
 * Runs healers: each has its own loop, its mode (`on`, `dry_run`, `off`) and its budget. Every episode is one record of the
 * journal, whether it was healed, only told of, or suppressed because the budget is used up.
 *
 * Invariants: a record is written before its action; an episode that goes on is told once; one healer never runs twice at a time;
 * an action that has to wait for its turn costs nothing of the budget.
 */
import { late, withDeadline } from '../kernel/deadline.ts';
import { failureKindOf, isTriedAgain, tellFailure } from '../kernel/failure-kinds.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { Episode, Healer, HealerMode } from './healer.ts';
import type { Journal } from './journal.ts';
import type { JournalRecord, Outcome } from './record.ts';

export interface HealerRunnerOptions {
  readonly healers: readonly Healer[];
  readonly journal: Pick<Journal, 'open' | 'complete' | 'countSince'>;
  /** Asked before each look; a healer nobody set is on. */
  readonly modeOf: (name: string) => Promise<HealerMode>;
  readonly now: () => Date;
  readonly random: () => number;
  readonly log: {
    warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
    error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  };
  readonly onHealed: (record: JournalRecord, outcome: Outcome) => void;
}

const firstPauseMs = 1000;
const maxPauseMs = 60_000;

export class HealerRunner implements Resource {
  readonly name = 'healers';
  readonly #options: HealerRunnerOptions;
  readonly #tickers: readonly Ticker[];
  /** Keys of the episodes that were told and left alone, by healer, as long as they go on. */
  readonly #told = new Map<string, Set<string>>();
  /** Of episodes whose action did not heal. Cleared with the episode. */
  readonly #pauses = new Map<string, { readonly pauseMs: number; readonly untilMs: number }>();
  /** Of those whose action failed in a way that the same action would fail again. */
  readonly #hopeless = new Set<string>();
  /** When each healer acted, for the time in which the store cannot say. */
  readonly #acted = new Map<string, number[]>();

  constructor(options: HealerRunnerOptions) {
    this.#options = options;
    this.#tickers = options.healers.map(
      healer =>
        new Ticker({
          name: `healer ${healer.info.name}`,
          intervalMs: healer.intervalMs,
          tick: async signal => {
            await this.#look(healer, signal);
            return undefined;
          },
          onFailure: error => {
            tellFailure(options.log, 'a healer failed to look', error, { healer: healer.info.name });
          },
          random: options.random,
        }),
    );
  }

  async start(): Promise<void> {
    for (const ticker of this.#tickers) void ticker.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tickers.map(ticker => ticker.stop()));
  }

  async #look(healer: Healer, signal: AbortSignal): Promise<void> {
    const { name } = healer.info;
    const mode = await this.#options.modeOf(name);
    if (mode === 'off') return;
    const episodes = await healer.detect(signal);
    this.#forgetOver(name, episodes);
    for (const episode of episodes) {
      if (signal.aborted) return;
      await this.#handle(healer, mode, episode);
    }
  }

  async #handle(healer: Healer, mode: 'on' | 'dry_run', episode: Episode): Promise<void> {
    const { name } = healer.info;
    const told = this.#toldOf(name);
    if (mode === 'dry_run' || (await this.#isUsedUp(healer, episode))) {
      episode.onLeftAlone?.();
      if (told.has(keyOf(episode))) return;
      told.add(keyOf(episode));
      await this.#finish(await this.#open(healer, episode), {
        result: mode === 'dry_run' ? 'dry_run' : 'suppressed',
        duration_ms: 0,
        requests_affected: null,
      });
      return;
    }
    if (this.#isTooSoon(name, episode)) return;
    const giveBack = episode.takeTurn === undefined ? (): void => undefined : episode.takeTurn();
    if (giveBack === undefined) return;
    this.#acted.set(name, [...(this.#acted.get(name) ?? []), this.#options.now().getTime()]);
    const record = await this.#open(healer, episode);
    const outcome = await this.#act(healer, episode, giveBack);
    this.#noteOutcome(name, episode, outcome);
    await this.#finish(record, outcome);
  }

  /** What did not help is tried again, later and later: an action that fails must not use up the budget in a moment. */
  #noteOutcome(name: string, episode: Episode, { result }: Outcome): void {
    const key = `${name} ${keyOf(episode)}`;
    const isHopeless = this.#hopeless.delete(key);
    if (result === 'healed') {
      this.#pauses.delete(key);
      return;
    }
    const doubledMs = 2 * (this.#pauses.get(key)?.pauseMs ?? firstPauseMs / 2);
    const pauseMs = isHopeless ? maxPauseMs : Math.min(maxPauseMs, doubledMs);
    this.#pauses.set(key, { pauseMs, untilMs: this.#options.now().getTime() + pauseMs });
  }

  #isTooSoon(name: string, episode: Episode): boolean {
    const pause = this.#pauses.get(`${name} ${keyOf(episode)}`);
    return pause !== undefined && this.#options.now().getTime() < pause.untilMs;
  }

  #open({ info }: Healer, { id, trigger, decision, action, target, ids = [] }: Episode): Promise<JournalRecord> {
    const draft = { healer: info.name, trigger, decision, action, target, ids };
    return this.#options.journal.open(id === undefined ? draft : { ...draft, id });
  }

  /** @param giveBack called when the action has ended, which may be later than it is waited for */
  async #act({ info, actionMs }: Healer, episode: Episode, giveBack: () => void): Promise<Outcome> {
    const startedAt = performance.now();
    const act = async (signal: AbortSignal): ReturnType<Episode['act']> => {
      try {
        return await episode.act(signal);
      } finally {
        giveBack();
      }
    };
    const durationMs = (): number => Math.round((performance.now() - startedAt) * 1000) / 1000;
    try {
      const outcome = await withDeadline(actionMs, signal =>
        Promise.race([act(signal), late(signal, 'the action took too long')]),
      );
      return { ...outcome, duration_ms: durationMs() };
    } catch (error) {
      tellFailure(this.#options.log, 'a healer failed to act', error, { healer: info.name, target: episode.target });
      if (!isTriedAgain(failureKindOf(error))) this.#hopeless.add(`${info.name} ${keyOf(episode)}`);
      return { result: 'no_effect', duration_ms: durationMs(), requests_affected: null };
    }
  }

  async #finish(record: JournalRecord, outcome: Outcome): Promise<void> {
    await this.#options.journal.complete(record, outcome);
    const { healer, action, target, decision, id } = record;
    this.#options.log.warn('healing', { healer, action, target, decision, journal_id: id, ...outcome });
    this.#options.onHealed(record, outcome);
  }

  async #isUsedUp(healer: Healer, { isOwed = false }: Episode): Promise<boolean> {
    return !isOwed && (await this.#used(healer)) >= healer.info.budget.actions;
  }

  /** How many actions of the healer lie in its window; what the store knows survives a restart. */
  async #used({ info: { name, budget } }: Healer): Promise<number> {
    const since = this.#options.now().getTime() - budget.windowMs;
    const own = (this.#acted.get(name) ?? []).filter(time => time >= since);
    this.#acted.set(name, own);
    return Math.max(own.length, (await this.#options.journal.countSince(name, new Date(since))) ?? 0);
  }

  #toldOf(name: string): Set<string> {
    const told = this.#told.get(name) ?? new Set<string>();
    this.#told.set(name, told);
    return told;
  }

  #forgetOver(name: string, episodes: readonly Episode[]): void {
    const going = new Set(episodes.map(keyOf));
    const told = this.#toldOf(name);
    for (const key of told) if (!going.has(key)) told.delete(key);
    for (const key of this.#pauses.keys()) {
      if (key.startsWith(`${name} `) && !going.has(key.slice(name.length + 1))) this.#pauses.delete(key);
    }
  }
}

function keyOf({ action, target, id = '' }: Episode): string {
  return `${action} ${target} ${id}`;
}
