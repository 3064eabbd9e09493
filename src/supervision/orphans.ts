/**
 * The healer of workers that PM2 has lost from its list: they serve, with whatever code they were started with, and nothing stops or
 * replaces them. They are asked to leave, finish what they answer, and are killed when that takes too long.
 *
 * What it may get wrong: a worker that somebody has started by hand in the same run folder is one as well.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import type { ProcessIdentity } from '../kernel/process-identity.ts';

export interface OrphansOptions {
  /** The workers of this run folder that are not leaving, as they were seen a moment ago. */
  readonly living: () => readonly ProcessIdentity[];
  /** The pids of everything on PM2's list. @throws Error when PM2 does not say */
  readonly listed: (signal: AbortSignal) => Promise<ReadonlySet<number>>;
  readonly isAlive: (worker: ProcessIdentity) => boolean;
  readonly end: (pid: number, signal: 'SIGINT' | 'SIGKILL') => void;
  /** For what it answers. */
  readonly drainMs: number;
  /** Monotonic. */
  readonly clock: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const lookEveryMs = 1000;
/** Asking PM2 takes a process; a worker that was not there before is reason enough to ask at once. */
const listEveryMs = 30_000;
/** PM2 may be about to write it down. */
const suspectMs = 5000;
const marginMs = 5000;
const askAgainMs = 100;

export function createOrphans(options: OrphansOptions): Healer {
  const look = new OrphanLook(options);
  return {
    info: healerCatalogue.orphans,
    intervalMs: lookEveryMs,
    actionMs: options.drainMs + 3 * marginMs,
    detect: async signal => (await look.find(signal)).map(worker => episodeOf(worker, options)),
  };
}

class OrphanLook {
  readonly #options: OrphansOptions;
  /** When each was first seen that PM2 does not know. */
  #suspects = new Map<number, number>();
  #known: ReadonlySet<number> = new Set();
  #listedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  async find(signal: AbortSignal): Promise<readonly ProcessIdentity[]> {
    const { living, listed, clock } = this.#options;
    const workers = living();
    const nowMs = clock();
    const isNew = workers.some(({ pid }) => !this.#known.has(pid) && !this.#suspects.has(pid));
    const isDue = [...this.#suspects.values()].some(sinceMs => nowMs - sinceMs >= suspectMs);
    const sinceListMs = nowMs - this.#listedAtMs;
    if (!isNew && !(isDue && sinceListMs >= suspectMs) && sinceListMs < listEveryMs) return [];
    const list = await listed(signal);
    this.#listedAtMs = nowMs;
    this.#known = list;
    const unknown = workers.filter(({ pid }) => !list.has(pid));
    this.#suspects = new Map(unknown.map(({ pid }) => [pid, this.#suspects.get(pid) ?? nowMs]));
    return unknown.filter(({ pid }) => nowMs - (this.#suspects.get(pid) ?? nowMs) >= suspectMs);
  }
}

function episodeOf(worker: ProcessIdentity, options: OrphansOptions): Episode {
  return {
    trigger: { signal: 'not_listed', value: worker.pid, threshold: null },
    decision: `PM2 does not list worker ${worker.pid}: nobody else would stop or replace it.`,
    action: 'end_orphan',
    target: `worker ${worker.pid}`,
    act: async signal => ({ result: await endIt(worker, options, signal), requests_affected: null }),
  };
}

async function endIt(
  worker: ProcessIdentity,
  { end, isAlive, drainMs, pause }: OrphansOptions,
  signal: AbortSignal,
): Promise<'healed' | 'no_effect'> {
  for (const [how, withinMs] of [
    ['SIGINT', drainMs + marginMs],
    ['SIGKILL', marginMs],
  ] as const) {
    if (isAlive(worker)) end(worker.pid, how);
    for (let waitedMs = 0; waitedMs < withinMs && isAlive(worker); waitedMs += askAgainMs)
      await pause(askAgainMs, signal);
    if (!isAlive(worker)) return 'healed';
  }
  return 'no_effect';
}
