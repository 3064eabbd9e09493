/**
 * The healer that ends crash loops, which PM2 does not: its own limit holds only for the first minutes after a start, and behind it PM2
 * gives up for good. Workers that were started again too often within the window are stopped, and one of them is tried every few
 * minutes, until it stays; then all come back. A worker that serves is never touched. What it may get wrong: a fault of the machine is
 * taken for one of the release, and a worker fewer serves for some minutes longer.
 *
 * What is stopped is a plan on the disk until it is over, under one record of the journal: a control process that is killed in between
 * is followed by one that goes on.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { type CrashCount, countCrashes, type Restarts } from './crash-count.ts';

export interface QuarantinePlan {
  readonly journal_id: string;
  /** RFC 3339, UTC. */
  readonly since: string;
  /** PM2's numbers of those that are stopped. */
  readonly ids: readonly number[];
}

export interface PlanFile<Plan> {
  /** @returns undefined when there is none, or none that can be understood */
  read(): Plan | undefined;
  write(plan: Plan): void;
  remove(): void;
}

export interface AppPlace extends Restarts {
  readonly pid: number;
}

export interface QuarantineOptions {
  readonly workers: number;
  /** Restarts within the window that are one too many. */
  readonly budget: number;
  /** At the longest: it begins with a few seconds, since a fault of the machine may be over at once. */
  readonly probeEveryMs: number;
  /** For a worker to begin to serve. */
  readonly bootMs: number;
  /** So long it must serve to be well. */
  readonly steadyMs: number;
  readonly app: {
    /** @throws Error when PM2 does not say */
    places(signal: AbortSignal): Promise<readonly AppPlace[]>;
    stop(id: number, signal: AbortSignal): Promise<void>;
    restart(id: number, signal: AbortSignal): Promise<void>;
  };
  /** The pids of those that serve, asked now. */
  readonly serving: () => Promise<readonly number[]>;
  /** Not while a worker is being replaced, for whatever reason. */
  readonly takeTurn: () => (() => void) | undefined;
  readonly count: PlanFile<CrashCount>;
  readonly plan: PlanFile<QuarantinePlan>;
  readonly newId: () => string;
  readonly now: () => Date;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onProbe: (outcome: { readonly id: number; readonly isWell: boolean }) => void;
}

const windowMs = 600_000;
const lookEveryMs = 2000;
const askAgainMs = 250;
const firstProbeMs = 5000;
/** As long as a timer can be; then the next look goes on with the plan. */
const actionMs = 7 * 86_400_000;

export class Quarantine implements Healer {
  readonly info = healerCatalogue['crash-budget'];
  readonly intervalMs = lookEveryMs;
  readonly actionMs = actionMs;
  readonly #options: QuarantineOptions;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  get plan(): QuarantinePlan | undefined {
    return this.#options.plan.read();
  }

  async detect(signal: AbortSignal): Promise<readonly Episode[]> {
    const { plan, workers, budget, count } = this.#options;
    const underWay = plan.read();
    if (underWay !== undefined) return [this.#episode(underWay, { isOwed: true, crashes: budget })];
    const serving = new Set(await this.#options.serving());
    // Asking PM2 takes a process: while all serve that should, nobody crashes often.
    if (serving.size >= workers && count.read() !== undefined) return [];
    const places = await this.#options.app.places(signal);
    const crashes = this.#count(places);
    const ids = places.filter(({ pid }) => !serving.has(pid)).map(({ id }) => id);
    if (crashes < budget || ids.length === 0) return [];
    const found = { journal_id: this.#options.newId(), since: this.#options.now().toISOString(), ids };
    return [this.#episode(found, { isOwed: false, crashes })];
  }

  /** @returns how many there were within the window */
  #count(places: readonly AppPlace[]): number {
    const { count, now } = this.#options;
    const counted = countCrashes(count.read(), places, { nowMs: now().getTime(), windowMs });
    count.write(counted);
    return counted.times.length;
  }

  #episode(plan: QuarantinePlan, { isOwed, crashes }: { readonly isOwed: boolean; readonly crashes: number }): Episode {
    const { budget } = this.#options;
    return {
      id: plan.journal_id,
      trigger: { signal: 'restarts', value: crashes, threshold: budget },
      decision:
        'The workers of this release crash again and again: those that do not serve are stopped, and one is tried every few minutes. Somebody must look: the crash reports and the log tell why.',
      action: 'quarantine',
      target: `workers ${plan.ids.join(', ')}`,
      isOwed,
      takeTurn: this.#options.takeTurn,
      act: async signal => ({ result: await this.#keep(plan, signal), requests_affected: null }),
    };
  }

  /** Until one of them stays. */
  async #keep(plan: QuarantinePlan, signal: AbortSignal): Promise<'healed'> {
    const { app, probeEveryMs, pause, onProbe } = this.#options;
    this.#options.plan.write(plan);
    // One that serves by now, or that an earlier control process has brought back, is left alone.
    const serving = new Set(await this.#options.serving());
    const down = (await app.places(signal)).filter(({ id, pid }) => plan.ids.includes(id) && !serving.has(pid));
    for (const { id } of down) await app.stop(id, signal);
    const [first, ...others] = down.map(({ id }) => id);
    if (first !== undefined) {
      let waitMs = Math.min(firstProbeMs, probeEveryMs);
      for (let isWell = false; !isWell; waitMs = Math.min(2 * waitMs, probeEveryMs)) {
        await pause(waitMs, signal);
        isWell = await this.#try(first, signal);
        onProbe({ id: first, isWell });
      }
    }
    for (const id of others) await app.restart(id, signal);
    this.#options.count.remove();
    this.#options.plan.remove();
    return 'healed';
  }

  /** One that dies is stopped before PM2 makes a loop of it again. */
  async #try(id: number, signal: AbortSignal): Promise<boolean> {
    const { app, pause, now } = this.#options;
    await app.restart(id, signal);
    const seen: Seen = { startedAtMs: now().getTime(), pid: undefined, servesSinceMs: undefined };
    for (;;) {
      const verdict = await this.#judge(id, seen, signal);
      if (verdict === 'well') return true;
      if (verdict === 'not well') break;
      await pause(askAgainMs, signal);
    }
    await app.stop(id, signal);
    return false;
  }

  async #judge(id: number, seen: Seen, signal: AbortSignal): Promise<'well' | 'not well' | 'open'> {
    const { app, bootMs, steadyMs, now, serving } = this.#options;
    const nowMs = now().getTime();
    const pid = (await app.places(signal)).find(place => place.id === id)?.pid ?? 0;
    // PM2 has another one there by now: the one that was started is dead.
    if (seen.pid !== undefined && pid !== seen.pid) return 'not well';
    if (pid !== 0) seen.pid = pid;
    const serves = seen.pid !== undefined && (await serving()).includes(seen.pid);
    if (!serves) return seen.servesSinceMs !== undefined || nowMs - seen.startedAtMs > bootMs ? 'not well' : 'open';
    seen.servesSinceMs ??= nowMs;
    return nowMs - seen.servesSinceMs >= steadyMs ? 'well' : 'open';
  }
}

/** Of the one that is tried. */
interface Seen {
  readonly startedAtMs: number;
  pid: number | undefined;
  servesSinceMs: number | undefined;
}
