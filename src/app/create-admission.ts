/** The wiring of admission: slots as leases, limits as counters, a line of bounded length. */
import { QueueTickets, queueKey, queueKind } from '../admission/queue-tickets.ts';
import { SlotGate } from '../admission/slot-gate.ts';
import { SlotLimits } from '../admission/slot-limits.ts';
import { SlotTable } from '../admission/slot-table.ts';
import type { Config } from '../config/config.ts';
import type { OllamaPool } from '../ollama/ollama-pool.ts';
import type { Lease } from '../storage/lease-repository.ts';
import type { Spine } from './create-spine.ts';

export const slotKind = 'slot';
const othersKnownMs = 5;

/** What it says, asked at most once in so many ms. @throws what it throws */
function rememberedFor(ms: number, now: () => number, ask: () => boolean): () => boolean {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let answer = false;
  return () => {
    const atMs = now();
    if (Math.abs(atMs - askedAtMs) < ms) return answer;
    answer = ask();
    askedAtMs = atMs;
    return answer;
  };
}

export function createAdmission(config: Config, spine: Spine, pool: Pick<OllamaPool, 'hosts' | 'untilFree'>) {
  // In the order of the configuration.
  const hosts = pool.hosts.map(host => host.name);
  const { maxConnections, upstreams, workers } = config;
  const { leases, counters, events, log } = spine;
  const useMs = config.timeouts.totalMs + 60_000;
  let isStoreAway = false;
  const onStore = (failure: unknown): void => {
    if ((failure !== undefined) === isStoreAway) return;
    isStoreAway = failure !== undefined;
    const share = Math.max(1, Math.floor(maxConnections / workers));
    if (isStoreAway)
      log.warn('slots cannot be shared: each worker goes by its part', { share, cause: String(failure) });
    else log.info('slots are shared again');
  };
  const limits = new SlotLimits({
    hosts: new Map(
      hosts.map((host, index) => {
        const slots = upstreams[index]?.slots;
        return [host, { initial: slots ?? 1, max: slots ?? maxConnections }];
      }),
    ),
    counters,
    now: Date.now,
  });
  // Asked whenever a slot is given back, and kept for others at once or a moment later.
  const anyoneWaits = rememberedFor(othersKnownMs, Date.now, () => leases.isHeldByOthers(queueKind, queueKey));
  const slots = new SlotTable<Lease>({
    leases,
    hostMax: maxConnections,
    limitOf: (host, model) => limits.of(host, model),
    sharers: workers,
    useMs,
    othersWait: model =>
      model === undefined ? anyoneWaits() : leases.isHeldByOthers(queueKind, queueKey, `${model}\n`),
    now: Date.now,
    onStore,
    onChange: (upstream, count) => events.slotsInUse({ upstream, count }),
  });
  const { queueMax: capacity, queueMaxPerKey: maxPerOwner } = config;
  const queue = new QueueTickets<Lease>({ leases, capacity, maxPerOwner, sharers: workers, ttlMs: useMs, onStore });
  return new SlotGate({
    slots,
    limits,
    queue,
    isLoaded: model => pool.hosts.some(host => host.inventory.isLoaded(model)),
    slotsOf: (model, of = hosts) => of.reduce((sum, host) => sum + Math.min(limits.of(host, model), maxConnections), 0),
    maxWaitMs: config.timeouts.totalMs,
    untilFree: (host, busyMs) => pool.untilFree(host, busyMs),
    now: Date.now,
    random: Math.random,
    onWaiting: (count, byPriority) => events.queueDepth({ count, byPriority }),
    onWaited: seconds => events.queueWaited({ seconds }),
    onRefused: code => events.queueRefused({ code }),
  });
}
