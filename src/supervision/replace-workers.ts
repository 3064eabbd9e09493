/**
 * The healer of workers that ask to be replaced: those that run short of memory, or leak. One at a time, and only while all that
 * should serve do. What it may get wrong: for the time of a drain there is one worker more, with its memory.
 */

import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { type ReplacementOptions, replaceWorker } from './replacement.ts';

export interface AskingWorker {
  readonly pid: number;
  readonly state: string;
  /** Why it wants to be replaced; null when it does not. */
  readonly replace: string | null;
  readonly replaceIds: readonly string[];
}

export interface ReplaceWorkersOptions extends ReplacementOptions {
  readonly views: () => readonly AskingWorker[];
  /** For a worker to finish what it does. */
  readonly drainMs: number;
  /** One worker at a time is replaced, for whatever reason. */
  readonly takeTurn: () => (() => void) | undefined;
}

const lookEveryMs = 1000;
/** PM2's own commands, and what lies between them. */
const marginMs = 30_000;

export function createReplaceWorkers(options: ReplaceWorkersOptions): Healer {
  return {
    info: healerCatalogue['replace-worker'],
    intervalMs: lookEveryMs,
    actionMs: replacementMs(options),
    detect: () => {
      const begun = options.plan.read();
      if (begun !== undefined)
        return [episodeOf({ pid: begun, reason: 'begun by another control process', ids: [] }, options)];
      const next = nextOf(options.views(), options.workers);
      return next === undefined ? [] : [episodeOf(next, options)];
    },
  };
}

/** How long one replacement may take. */
export function replacementMs({ bootMs, drainMs }: Pick<ReplaceWorkersOptions, 'bootMs' | 'drainMs'>): number {
  return bootMs + drainMs + marginMs;
}

export interface Asked {
  readonly pid: number;
  readonly reason: string;
  readonly ids: readonly string[];
}

/** @returns undefined while fewer serve than should */
export function nextOf(views: readonly AskingWorker[], workers: number): Asked | undefined {
  const ready = views.filter(({ state }) => state === 'ready');
  const asking = ready.find(({ replace }) => replace !== null);
  if (asking === undefined || asking.replace === null || ready.length < workers) return undefined;
  return { pid: asking.pid, reason: asking.replace, ids: asking.replaceIds };
}

function episodeOf({ pid, reason, ids }: Asked, options: ReplaceWorkersOptions): Episode {
  return {
    trigger: { signal: 'replacement_asked', value: 1, threshold: 0 },
    decision: `worker ${pid} is to be replaced: ${reason}`,
    action: 'replace_worker',
    target: `worker ${pid}`,
    ids,
    takeTurn: options.takeTurn,
    act: async signal => ({ result: await replaceWorker(options, pid, signal), requests_affected: 0 }),
  };
}
