/**
 * The healer of workers that live and do nothing: a loop that never ends, a stopped process, a thread that waits for a disk. PM2
 * sees a process and is content. Such a worker is asked for a report of what it does, and killed; PM2 starts the next.
 *
 * Only a worker that has answered before is taken for hung, or one that is older than any that boots, so that one that boots slowly
 * is not; and one at a time: where all stand still, it may be the machine that does. What it may get wrong: a worker that a debugger or a person has stopped is killed too.
 */

import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { type ProcessIdentity, processAgeMs, processStart } from '../kernel/process-identity.ts';
import type { WorkerView } from './worker-watch.ts';

export interface SilentWorker {
  readonly identity: ProcessIdentity;
  /** RFC 3339. */
  readonly since: string;
  /** Requests that it was answering when it last said so; null when nobody knows. */
  readonly active: number | null;
}

export interface HungWorkersOptions {
  /** Those that answered before and do not now. */
  readonly silent: () => readonly SilentWorker[];
  /** Asks all of them now. */
  readonly look: () => Promise<void>;
  readonly now: () => Date;
  readonly isAlive: (worker: ProcessIdentity) => boolean;
  /** Asks it for a report of what it does. Resolves when it is written, or in vain after a moment. Never rejects. */
  readonly report: (worker: ProcessIdentity) => Promise<void>;
  readonly kill: (pid: number) => void;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Several looks in vain: a worker that collects garbage, or a busy machine, takes one or two. */
const hungAfterMs = 5000;
const lookEveryMs = 500;
const actionMs = 8000;
const goneWithinMs = 3000;
const askAgainMs = 50;
const bootMarginMs = 5000;

export function createHungWorkers(options: HungWorkersOptions): Healer {
  return {
    info: healerCatalogue['hung-worker'],
    intervalMs: lookEveryMs,
    actionMs,
    detect: async () => {
      if (hungOf(options.silent(), options.now()).length === 0) return [];
      // What was seen is a second old: it may answer by now.
      await options.look();
      return hungOf(options.silent(), options.now()).map(({ worker, ms }) => episodeOf(worker, ms, options));
    },
  };
}

/** At most one: the one that has been silent for longest. */
export function hungOf(
  silent: readonly SilentWorker[],
  now: Date,
): ReadonlyArray<{ readonly worker: SilentWorker; readonly ms: number }> {
  return silent
    .map(worker => ({ worker, ms: now.getTime() - Date.parse(worker.since) }))
    .filter(({ ms }) => ms >= hungAfterMs)
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 1);
}

function episodeOf({ identity, active }: SilentWorker, ms: number, options: HungWorkersOptions): Episode {
  const { pid } = identity;
  return {
    trigger: { signal: 'no_answer_ms', value: ms, threshold: hungAfterMs },
    decision: `worker ${pid} lives and has not answered on its own socket for ${(ms / 1000).toFixed(1)} s`,
    action: 'kill_worker',
    target: `worker ${pid}`,
    act: async signal => {
      await options.report(identity);
      await options.look();
      if (!options.silent().some(({ identity: still }) => still.pid === pid)) {
        return { result: 'no_effect', requests_affected: null };
      }
      if (options.isAlive(identity)) options.kill(pid);
      const isGone = await gone(identity, options, signal);
      return { result: isGone ? 'healed' : 'no_effect', requests_affected: active };
    },
  };
}

async function gone(
  identity: ProcessIdentity,
  { isAlive, pause }: HungWorkersOptions,
  signal: AbortSignal,
): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < goneWithinMs; waitedMs += askAgainMs) {
    if (!isAlive(identity)) return true;
    await pause(askAgainMs, signal);
  }
  return !isAlive(identity);
}

/**
 * Those that do not answer, and should.
 * @param bootMs a worker that does not serve by then ends itself, if it can
 */
export function silentOf(
  views: readonly WorkerView[],
  bootMs: number,
  identityOf: (pid: number) => ProcessIdentity = pid => ({ pid, start: processStart(pid) ?? '' }),
): SilentWorker[] {
  return views.flatMap(({ pid, state, answered, since, active }) => {
    if (state !== 'not answering') return [];
    const identity = identityOf(pid);
    // A control process that has just begun has heard nobody yet.
    const isGrown = answered || (processAgeMs(identity) ?? 0) > bootMs + bootMarginMs;
    return isGrown ? [{ identity, since, active }] : [];
  });
}
