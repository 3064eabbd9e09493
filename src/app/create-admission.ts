/** The wiring of admission: slots as leases, limits as counters, a line of bounded length. */
import { SlotGate } from '../admission/slot-gate.ts';
import { SlotLimits } from '../admission/slot-limits.ts';
import { SlotTable } from '../admission/slot-table.ts';
import type { Config } from '../config/config.ts';
import type { Lease } from '../storage/lease-repository.ts';
import type { Spine } from './create-spine.ts';

export interface AdmissionWiring {
  /** Names in the order of the configuration. */
  readonly hosts: readonly string[];
  readonly untilFree: (host: string) => Promise<void>;
}

export const slotKind = 'slot';
const queue = { kind: 'queue', key: 'all' } as const;

export function createAdmission(config: Config, spine: Spine, { hosts, untilFree }: AdmissionWiring) {
  const { maxConnections, queueMax, upstreams, workers } = config;
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
  const slots = new SlotTable<Lease>({
    leases,
    hostMax: maxConnections,
    limitOf: (host, model) => limits.of(host, model),
    sharers: workers,
    useMs,
    othersWait: () => leases.isHeldByOthers(queue.kind, queue.key),
    now: Date.now,
    onStore,
    onChange: (upstream, count) => events.slotsInUse({ upstream, count }),
  });
  const localTickets = { count: 0 };
  const gate = new SlotGate({
    slots,
    limits,
    queue: createTickets(),
    maxWaitMs: config.timeouts.totalMs,
    untilFree,
    now: Date.now,
    random: Math.random,
    onWaiting: count => events.queueDepth({ count }),
    onWaited: seconds => events.queueWaited({ seconds }),
    onRefused: code => events.queueRefused({ code }),
  });
  return gate;

  /** Places in the line. Without the store each worker has its part of them. */
  function createTickets() {
    return {
      take: (): Lease | 'local' | undefined => {
        try {
          return leases.take({ ...queue, capacity: queueMax, ttlMs: useMs });
        } catch (error) {
          onStore(error);
          if (localTickets.count >= Math.floor(queueMax / workers)) return undefined;
          localTickets.count++;
          return 'local';
        }
      },
      release: (ticket: Lease | 'local'): void => {
        if (ticket === 'local') {
          localTickets.count--;
          return;
        }
        try {
          leases.release(ticket);
        } catch (error) {
          onStore(error);
        }
      },
    };
  }
}
