/**
 * The healer that puts new workers in the place of all of them, one after the other: once a day, and when somebody asks for it.
 * What it may get wrong: for the time of each drain there is one worker more, with its memory.
 *
 * What was asked for is a plan on the disk until it is over: none -> asked -> begun -> none. A control process that is killed in
 * the middle is followed by one that goes on with the workers that are left, under the same record of the journal.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { type DailyDecision, dailyDecision, graceMinutes, type WallClock } from './daily-schedule.ts';

export interface RecyclePlan {
  /** Of the record that is or will be in the journal. */
  readonly journal_id: string;
  readonly reason: 'daily' | 'asked';
  /** RFC 3339, UTC. */
  readonly requested_at: string;
  readonly begun: boolean;
  /** Those that are still to be replaced; the first one may be half way. */
  readonly pids: readonly number[];
}

export interface RecyclePlanFile {
  /** @returns undefined when there is none, or none that can be understood */
  read(): RecyclePlan | undefined;
  write(plan: RecyclePlan): void;
  remove(): void;
}

export interface RecycleOptions {
  /** How many workers there should be. */
  readonly workers: number;
  /** Minutes since midnight; undefined where it is only done when asked for. */
  readonly atMinutes: number | undefined;
  readonly views: () => ReadonlyArray<{ readonly pid: number; readonly state: string }>;
  readonly replace: (pid: number, signal: AbortSignal) => Promise<'healed' | 'no_effect'>;
  /** Whether PM2 has it on its list. @throws Error when PM2 does not say */
  readonly isListed: (pid: number, signal: AbortSignal) => Promise<boolean>;
  readonly plan: RecyclePlanFile;
  readonly newId: () => string;
  readonly now: () => Date;
  readonly wallClock: () => WallClock;
  readonly daily: {
    /** @returns null when it cannot be known now */
    lastDay(): string | undefined | null;
    /** Durable when it resolves. */
    remember(day: string): Promise<void>;
  };
  readonly takeTurn: () => (() => void) | undefined;
  /** For one replacement. */
  readonly replaceMs: number;
}

const lookEveryMs = 1000;

export class Recycle implements Healer {
  readonly info = healerCatalogue.recycle;
  readonly intervalMs = lookEveryMs;
  readonly actionMs: number;
  readonly #options: RecycleOptions;

  constructor(options: RecycleOptions) {
    this.#options = options;
    this.actionMs = options.workers * options.replaceMs;
  }

  get plan(): RecyclePlan | undefined {
    return this.#options.plan.read();
  }

  get ready(): readonly number[] {
    return this.#options
      .views()
      .filter(({ state }) => state === 'ready')
      .map(({ pid }) => pid);
  }

  /** What is under way already is what was asked for. */
  ask(reason: RecyclePlan['reason']): RecyclePlan {
    const { plan, newId, now } = this.#options;
    const underWay = plan.read();
    if (underWay !== undefined) return underWay;
    const asked = {
      journal_id: newId(),
      reason,
      requested_at: now().toISOString(),
      begun: false,
      pids: this.ready,
    };
    plan.write(asked);
    return asked;
  }

  async detect(): Promise<readonly Episode[]> {
    const plan = this.#options.plan.read() ?? (await this.#daily());
    if (plan === undefined) return [];
    if (this.#isTooOld(plan)) return [this.#episode(plan, { isGivenUp: true })];
    // One that has begun is finished or undone; that no worker too few serves is looked at in each step of it.
    if (!plan.begun && this.ready.length < this.#options.workers) return [];
    return [this.#episode(plan, { isGivenUp: false })];
  }

  async #daily(): Promise<RecyclePlan | undefined> {
    const { atMinutes, wallClock, daily } = this.#options;
    if (atMinutes === undefined) return undefined;
    const lastDay = daily.lastDay();
    if (lastDay === null) return undefined;
    const decision: DailyDecision = dailyDecision(atMinutes, wallClock(), lastDay);
    if (decision.do === 'wait') return undefined;
    // Before it begins: what cannot be remembered would be done again and again.
    await daily.remember(decision.day);
    return decision.do === 'run' ? this.ask('daily') : undefined;
  }

  #isTooOld({ requested_at, begun }: RecyclePlan): boolean {
    const ageMs = this.#options.now().getTime() - Date.parse(requested_at);
    return !begun && ageMs > graceMinutes * 60_000;
  }

  #episode(plan: RecyclePlan, { isGivenUp }: { readonly isGivenUp: boolean }): Episode {
    const why = plan.reason === 'daily' ? 'It is the time of day' : 'It was asked for';
    const what = isGivenUp
      ? 'and too few workers have served since: it is given up.'
      : 'that workers are replaced, one after the other.';
    return {
      id: plan.journal_id,
      trigger: { signal: `recycle_${plan.reason}`, value: plan.requested_at, threshold: null },
      decision: `${why} ${what}`,
      action: 'recycle_workers',
      target: `workers ${plan.pids.join(', ')}`,
      takeTurn: this.#options.takeTurn,
      isOwed: plan.begun,
      onLeftAlone: () => {
        if (!plan.begun) this.#options.plan.remove();
      },
      act: async signal => {
        if (!isGivenUp) return { result: await this.#replaceAll(plan, signal), requests_affected: 0 };
        this.#options.plan.remove();
        return { result: 'no_effect', requests_affected: 0 };
      },
    };
  }

  /** The first that does not come up ends it: with the others it would be the same. */
  async #replaceAll(asked: RecyclePlan, signal: AbortSignal): Promise<'healed' | 'no_effect'> {
    const { plan, replace, isListed } = this.#options;
    try {
      for (const [index, pid] of asked.pids.entries()) {
        plan.write({ ...asked, begun: true, pids: asked.pids.slice(index) });
        // It has died meanwhile, or left before an earlier control process could write that down: its place has a new one.
        if (!(await isListed(pid, signal))) continue;
        if ((await replace(pid, signal)) !== 'healed') return 'no_effect';
      }
      return 'healed';
    } finally {
      plan.remove();
    }
  }
}
