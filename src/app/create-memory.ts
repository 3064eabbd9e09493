/** The memory guard of a worker, wired: what it reads, what it may do, and the gate that it closes. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { MemoryTier } from '../cache/memory-tier.ts';
import type { Config } from '../config/config.ts';
import type { ActiveRequests } from '../http/active-requests.ts';
import type { RequestContext, RouteInfo } from '../http/request-context.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { Journal } from '../journal/journal.ts';
import { DeciError } from '../kernel/errors.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { SortableIds } from '../kernel/sortable-id.ts';
import { hasRoom, largeBodyBytes } from '../memory/body-room.ts';
import { findContainerMemory } from '../memory/container-memory.ts';
import { createCollect } from '../memory/gc-watch.ts';
import { MemoryGuard, type MemoryView, type RawReading } from '../memory/memory-guard.ts';
import { mostExpensive } from '../memory/most-expensive.ts';
import type { MemoryLimits } from '../memory/pressure.ts';
import type { Spine } from './create-spine.ts';
import { HealerLicence } from './healer-licence.ts';
import { MemoryTeller } from './memory-teller.ts';

export interface WorkerMemory {
  readonly resource: Resource;
  /** @throws DeciError `memory_low` */
  readonly firstGate: (context: RequestContext) => void;
  /** Ends a request whose body turns out not to fit. */
  readonly onBodyGrown: (context: RequestContext) => void;
  /** Members of the state that a worker tells. */
  readonly describe: () => object;
}

export interface MemoryNeeds {
  readonly active: ActiveRequests;
  /** The cache's own; undefined where there is none. */
  readonly cached: MemoryTier | undefined;
}

const megabyte = 1024 * 1024;
/** What a cache keeps while memory is short. */
const shrunkPart = 0.25;
/** A body, its text, its values, and what is sent on of it. */
const copiesOfBody = 4;
/** Callers that were refused shall not come back all at once. */
const retryAfterSeconds = { least: 5, spread: 6 };

export function createMemory(config: Config, spine: Spine, { active, cached }: MemoryNeeds): WorkerMemory {
  const { log, events, registry } = spine;
  const { heapLimitMb, gcAtMb, shedAt, rssRestartMb } = config.memory;
  const limits: MemoryLimits = {
    heapBytes: heapLimitMb * megabyte,
    collectAtBytes: gcAtMb * megabyte,
    shedAt,
    rssBytes: rssRestartMb * megabyte,
  };
  const info = healerCatalogue['memory-guard'];
  const ids = new SortableIds({ now: Date.now, random: Math.random });
  const journal = new Journal({ store: spine.journal, now: () => new Date(), newId: () => ids.next(), log });
  // Until anybody knows the settings, too: without it a worker dies, and what it does ends by itself.
  const modeOf = (name: string): ReturnType<typeof spine.healerModes.of> => spine.healerModes.of(name, 'on');
  const licence = new HealerLicence({ info, journal, modeOf, nowMs: Date.now });
  const clock = (): number => performance.now();
  const heldBy = ({ heldBytes }: RequestContext): number => copiesOfBody * heldBytes;
  const read = createRead();
  const teller: MemoryTeller = new MemoryTeller({
    info,
    licence,
    journal,
    events,
    log,
    target: `worker ${process.pid}`,
    shedAt,
    acts: {
      shrink: isOn => {
        cached?.allow(isOn ? shrunkPart : 1);
        active.setKeepAlive(!isOn);
      },
      endMostExpensive: () => {
        const chosen = mostExpensive(working(active), heldBy);
        const message = 'the server is short of memory and ended this answer before it was complete';
        for (const context of chosen) context.abort(new DeciError('memory_low', { message }));
        return chosen.length;
      },
      collectGarbage: createCollect(),
    },
    clock,
  });
  const guard = new MemoryGuard({
    limits,
    read,
    knownBytes: () => {
      let bytes = 2 * (cached?.usage.bytes ?? 0);
      for (const context of active) bytes += heldBy(context);
      return bytes;
    },
    utilisation: createUtilisation(),
    effects: teller,
    refresh: () => licence.refresh(),
    clock,
    now: Date.now,
    random: Math.random,
    onFailure: error => log.warn('looking after memory failed', { cause: String(error) }),
  });
  registry.sample(() => {
    const { pressure, reading, gcShare, leak, replace } = guard.view;
    const leakBytesPerHour = leak?.bytesPerHour ?? 0;
    const { liveBytes } = reading;
    events.memory({
      pressure: pressure.value,
      liveBytes,
      gcShare,
      leakBytesPerHour,
      wantsReplacement: replace !== null,
    });
  });

  const refusal = (why: 'shed' | 'no_room'): DeciError => {
    teller.refused(why);
    const { least, spread } = retryAfterSeconds;
    return new DeciError('memory_low', { retryAfterSeconds: least + Math.floor(Math.random() * spread) });
  };
  const fits = (context: RequestContext): boolean => {
    const { usedBytes, externalBytes } = read();
    if (hasRoom({ usedBytes, externalBytes, announcedBytes: announced(active) }, limits)) return true;
    // What is refused takes no room from others while the client hears of it.
    context.announcedBytes = 0;
    guard.wake();
    return false;
  };
  return {
    resource: {
      name: guard.name,
      start: () => guard.start(),
      stop: async () => {
        await guard.stop();
        await teller.stop();
      },
    },
    firstGate: context => {
      const declared = Number(context.req.headers['content-length'] ?? 0);
      if (!teller.isShedding && declared < largeBodyBytes) return;
      if (context.route === undefined || !isWork(context.route)) return;
      if (teller.isShedding) throw refusal('shed');
      if (context.route.body === 'stream') return;
      context.announcedBytes = declared;
      if (!fits(context)) throw refusal('no_room');
    },
    onBodyGrown: context => {
      if (!fits(context)) context.abort(refusal('no_room'));
    },
    describe: () => describe(guard.view, teller.recordId),
  };
}

/** Probes, metrics and what administrators do are never refused for want of memory; they are how one looks, and need little. */
function isWork({ rate, time, dialect, body }: RouteInfo): boolean {
  return rate === 'execute' || time === 'transfer' || (dialect !== 'problem' && body !== 'none');
}

function working(active: ActiveRequests): RequestContext[] {
  return [...active].filter(({ route }) => route !== undefined && isWork(route));
}

/** Of bodies that were let in and are not read yet. */
function announced(active: ActiveRequests): number {
  let bytes = 0;
  for (const { body, announcedBytes } of active) if (body.length === 0) bytes += announcedBytes;
  return bytes;
}

function createRead(): () => RawReading {
  const container = findContainerMemory(path => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  }, totalmem());
  return () => {
    const { rss, heapUsed, external } = process.memoryUsage();
    return { usedBytes: heapUsed, externalBytes: external, rssBytes: rss, container: container?.() };
  };
}

function createUtilisation(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

function describe(
  { stage, pressure, reading, gcShare, leak, replace }: MemoryView,
  recordId: string | undefined,
): object {
  const { liveBytes, usedBytes, externalBytes, rssBytes } = reading;
  const mb = (bytes: number): number => Math.round(bytes / megabyte);
  return {
    memory: {
      stage,
      pressure: Math.round(pressure.value * 1000) / 1000,
      cause: pressure.cause,
      live_mb: mb(liveBytes),
      used_mb: mb(usedBytes),
      external_mb: mb(externalBytes),
      rss_mb: mb(rssBytes),
      gc_share: Math.round(gcShare * 1000) / 1000,
      leak:
        leak === undefined
          ? null
          : { mb_per_hour: mb(leak.bytesPerHour), hours_left: Math.round(leak.leftMs / 360_000) / 10 },
    },
    // What was done about it here belongs to what will be done about it.
    replace: replace === null ? null : { ...replace, ids: recordId === undefined ? [] : [recordId] },
  };
}
