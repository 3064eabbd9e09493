/**
 * What workers and control have in common: log, metrics, the store of what is kept, the store of what is shared while they
 * run. Everything is made here, in a straight line; its owner starts and stops `resources` in their order.
 */

import type { Config } from '../config/config.ts';
import { LastLines } from '../crash/last-lines.ts';
import { ProcessWarnings } from '../crash/process-warnings.ts';
import { HealerModes } from '../journal/healer-modes.ts';
import { tellFailure } from '../kernel/failure-kinds.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { isAlive, type ProcessIdentity, thisProcess } from '../kernel/process-identity.ts';
import { BreakerRepository } from '../storage/breaker-repository.ts';
import { CounterRepository } from '../storage/counter-repository.ts';
import { HealerSettingsRepository } from '../storage/healer-settings-repository.ts';
import { hotFolder } from '../storage/hot-folder.ts';
import { hotSchema } from '../storage/hot-schema.ts';
import { HotStore } from '../storage/hot-store.ts';
import { JournalRepository } from '../storage/journal-repository.ts';
import { LeaseRepository } from '../storage/lease-repository.ts';
import { MainStore } from '../storage/main-store.ts';
import { Upkeep } from '../supervision/upkeep.ts';
import { createEvents, type Events } from '../telemetry/events.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { MetricsRegistry } from '../telemetry/metrics-registry.ts';
import { ProcessGauges } from '../telemetry/process-gauges.ts';
import { Presence } from './presence.ts';

export interface SpineOptions {
  /** `blue`, `green` or `control`. */
  readonly role: string;
  readonly version: string;
  readonly print: (line: string) => void;
  /** What this process is known by among all; of one name there is one process. */
  readonly presence: string;
  /** Ends this process as a signal would. */
  readonly leave: (reason: string) => void;
}

export interface Spine {
  readonly log: Logger;
  readonly lastLines: LastLines;
  readonly self: ProcessIdentity;
  readonly hotDir: string;
  readonly registry: MetricsRegistry;
  readonly gauges: ProcessGauges;
  readonly events: Events;
  readonly store: MainStore;
  readonly journal: JournalRepository;
  readonly healerSettings: HealerSettingsRepository;
  readonly healerModes: HealerModes;
  readonly leases: LeaseRepository;
  readonly counters: CounterRepository;
  readonly breakers: BreakerRepository;
  readonly resources: readonly Resource[];
}

/** Enough for hundreds of thousands of leases and counters. */
const hotMaxBytes = 64 * 1024 * 1024;

export function createSpine(config: Config, { role, version, print, presence, leave }: SpineOptions): Spine {
  const { places } = config;
  const self = thisProcess();
  const lastLines = new LastLines();
  const log = createLogger({
    dir: places.logDir,
    fallbackDir: places.logDirFallback,
    level: config.logLevel,
    source: `deci-${role}`,
    now: () => new Date(),
    print: line => {
      lastLines.add(line);
      print(line);
    },
  });

  const hotDir = hotFolder(places);
  log.info('what the processes share lies here', { dir: hotDir });
  const registry = new MetricsRegistry({
    dir: hotDir,
    owner: { role, ...self },
    onFailure: error => log.warn('metrics cannot be shared', { cause: String(error) }),
  });
  const events = createEvents(registry);
  const gauges = new ProcessGauges({
    registry,
    version,
    random: Math.random,
    now: () => performance.now(),
    onFailure: error => log.warn('sampling the process failed', { cause: String(error) }),
  });

  let toldReason: string | undefined;
  const store = new MainStore({
    dataDir: places.dataDir,
    onStateChange: state => {
      events.storeState({ open: state.is === 'open' });
      const reason = state.is === 'unavailable' ? state.error.reason : undefined;
      // It is tried again and again; the same answer is no news.
      if (state.is === 'unavailable' && reason !== toldReason) {
        log.error('the store cannot be used', { reason, cause: state.error.message });
      }
      if (state.is === 'open' && toldReason !== undefined) log.info('the store is used again');
      toldReason = reason;
    },
    onSlow: ({ sql, ms }) => {
      events.slowStatement();
      log.warn('slow statement', { sql, ms });
    },
  });
  const hot = new HotStore({
    dir: hotDir,
    name: 'hot',
    schema: hotSchema,
    maxBytes: hotMaxBytes,
    now: Date.now,
    onRebuilt: cause => log.warn('the shared state was lost and made anew', { cause: cause.message }),
  });
  const leases = new LeaseRepository({
    store: hot,
    self,
    now: Date.now,
    random: Math.random,
    isAlive,
    onReaped: reaped => {
      for (const { kind } of reaped) events.leasesReaped({ kind, count: 1 });
    },
  });
  const counters = new CounterRepository({ store: hot, now: Date.now });
  const warnings = new ProcessWarnings({
    onWarning: ({ name }) => events.warned({ name }),
    onNews: warning => log.warn('process warning', { ...warning }),
  });
  const upkeep = new Upkeep({
    tasks: [
      {
        name: 'store',
        everyMs: 5000,
        run: async () => {
          if (store.state.is === 'unavailable') await store.reopen();
        },
      },
      { name: 'late leases', everyMs: 1000, run: async () => void leases.settle() },
      { name: 'expired counters', everyMs: 60_000, run: async () => void counters.reapExpired() },
    ],
    random: Math.random,
    onFailure: (task, error) => tellFailure(log, 'upkeep failed', error, { task }),
  });
  const healerSettings = new HealerSettingsRepository(store);

  return {
    log,
    lastLines,
    self,
    hotDir,
    registry,
    gauges,
    events,
    store,
    journal: new JournalRepository(store, self),
    healerSettings,
    healerModes: new HealerModes(healerSettings),
    leases,
    counters,
    breakers: new BreakerRepository(hot),
    resources: [
      registry,
      gauges,
      warnings,
      store,
      { name: 'hot-store', start: async () => undefined, stop: async () => hot.close() },
      upkeep,
      new Presence({
        leases,
        name: presence,
        onTaken: holder => leave(`${presence} runs already, as process ${holder}`),
        random: Math.random,
        onFailure: error => log.warn('this process cannot be told to the others', { cause: String(error) }),
      }),
    ],
  };
}
