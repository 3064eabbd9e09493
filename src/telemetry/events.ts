/**
 * What happens in a process, as calls: one helper an event, and the only place where events become metrics. Whoever calls
 * one knows no metric's name. The request is the hot one: its series are found by route, method and status in maps that
 * are filled once.
 */
import { type CrashEvents, crashEvents } from './crash-events.ts';
import { type LoadEvents, loadEvents } from './load-events.ts';
import { type MemoryEvents, memoryEvents } from './memory-events.ts';
import type { Counter, Histogram } from './metric-series.ts';
import { admissionMetrics, cacheMetrics, healingMetrics, requestMetrics } from './metric-table.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { modelMetrics } from './model-metrics.ts';
import { upstreamMetrics } from './upstream-metric-table.ts';

export interface HttpRequestEvent {
  /** The route's template, never the path. */
  readonly route: string;
  readonly method: string;
  /** 0 when no status was sent. */
  readonly status: number;
  readonly seconds: number;
}

export interface HealedEvent {
  readonly healer: string;
  readonly trigger: string;
  readonly result: string;
  readonly seconds: number;
}

export interface BreakerChangedEvent {
  readonly upstream: string;
  readonly level: 'host' | 'model';
  readonly change: string;
}

export interface Events extends CrashEvents, MemoryEvents, LoadEvents {
  breakerChanged(event: BreakerChangedEvent): void;
  breakerState(event: { readonly upstream: string; readonly state: 'closed' | 'open' | 'half_open' }): void;
  hostState(event: { readonly upstream: string; readonly state: string }): void;
  canary(event: { readonly upstream: string; readonly result: string }): void;
  /** A failed attempt, and what came of the next. */
  retry(event: { readonly reason: string; readonly result: string }): void;
  httpRequest(event: HttpRequestEvent): void;
  authRefused(event: { readonly code: string }): void;
  streamOpened(): void;
  /** @param event how far it had come; every call belongs to one `streamOpened` */
  streamClosed(event: { readonly phase: 'waiting' | 'streaming' | 'complete' }): void;
  /** @param event how many wait in this process now */
  queueDepth(event: { readonly count: number; readonly byPriority: ReadonlyMap<string, number> }): void;
  queueWaited(event: { readonly seconds: number }): void;
  queueRefused(event: { readonly code: string }): void;
  slotsInUse(event: { readonly upstream: string; readonly count: number }): void;
  healed(event: HealedEvent): void;
  leasesReaped(event: { readonly kind: string; readonly count: number }): void;
  slowStatement(): void;
  metricsLost(event: { readonly files: number }): void;
  storeState(event: { readonly open: boolean }): void;
  upstreamState(event: { readonly upstream: string; readonly up: boolean }): void;
  /** An answer that is not what was asked for. */
  degraded(event: { readonly reason: string }): void;
  /** A request of which something was changed. */
  adjusted(): void;
  cacheAnswer(event: { readonly result: string }): void;
  cacheRefreshed(event: { readonly result: 'refreshed' | 'failed' }): void;
  cacheEvicted(): void;
  cacheMemory(event: { readonly entries: number; readonly bytes: number }): void;
  sharedCacheState(event: { readonly usable: boolean }): void;
}

/** @throws when the registry has them already */
export function createEvents(registry: MetricsRegistry): Events {
  return {
    ...requestEvents(registry),
    ...admissionEvents(registry),
    ...upstreamEvents(registry),
    ...modelEvents(registry),
    ...cacheEvents(registry),
    ...healingEvents(registry),
    ...memoryEvents(registry),
    ...loadEvents(registry),
    ...crashEvents(registry),
  };
}

type UpstreamEvents = Pick<Events, 'breakerChanged' | 'breakerState' | 'canary' | 'hostState' | 'retry'>;

const breakerStates = ['closed', 'open', 'half_open'] as const;

function upstreamEvents(registry: MetricsRegistry): UpstreamEvents {
  const states = registry.gauge(upstreamMetrics.breakerState);
  const changes = registry.counter(upstreamMetrics.breakerChanges);
  const hosts = registry.gauge(upstreamMetrics.hostState);
  const hostStates = new Map<string, string>();
  const canaries = registry.counter(upstreamMetrics.canaries);
  const retries = registry.counter(upstreamMetrics.retries);
  return {
    breakerState: ({ upstream, state }) => {
      for (const one of breakerStates) states.with({ upstream, state: one }).set(one === state ? 1 : 0);
    },
    hostState: ({ upstream, state }) => {
      const before = hostStates.get(upstream);
      if (before !== undefined) hosts.with({ upstream, state: before }).set(0);
      hosts.with({ upstream, state }).set(1);
      hostStates.set(upstream, state);
    },
    breakerChanged: ({ upstream, level, change }) => changes.with({ upstream, level, change }).add(),
    canary: event => canaries.with(event).add(),
    retry: event => retries.with(event).add(),
  };
}

type RequestEvents = Pick<Events, 'httpRequest' | 'authRefused' | 'streamOpened' | 'streamClosed'>;

function requestEvents(registry: MetricsRegistry): RequestEvents {
  const refused = registry.counter(requestMetrics.authRefused);
  const streams = registry.gauge(requestMetrics.streams).with({});
  const byPhase = registry.counter(requestMetrics.streamsClosed);
  const closed = {
    waiting: byPhase.with({ phase: 'waiting' }),
    streaming: byPhase.with({ phase: 'streaming' }),
    complete: byPhase.with({ phase: 'complete' }),
  };
  return {
    httpRequest: createHttpRequest(registry),
    authRefused: event => refused.with(event).add(),
    streamOpened: () => streams.add(1),
    streamClosed: ({ phase }) => {
      streams.add(-1);
      closed[phase].add();
    },
  };
}

interface RouteSeries {
  readonly duration: Histogram;
  /** By status, for each method. */
  readonly requests: Map<string, Map<number, Counter>>;
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** What OpenTelemetry calls a method that nobody knows. */
const otherMethod = '_OTHER';
/** More than there are routes; beyond it a caller passes paths, and those must not pile up here. */
const maxRoutes = 500;

function createHttpRequest(registry: MetricsRegistry): Events['httpRequest'] {
  const requests = registry.counter(requestMetrics.requests);
  const durations = registry.histogram(requestMetrics.duration);
  const routes = new Map<string, RouteSeries>();

  const learn = ({ route, method, status }: HttpRequestEvent): { duration: Histogram; counter: Counter } => {
    const known = routes.get(route);
    const { duration, requests: byMethod } = known ?? { duration: durations.with({ route }), requests: new Map() };
    if (known === undefined && routes.size < maxRoutes) routes.set(route, { duration, requests: byMethod });
    const name = methods.has(method) ? method : otherMethod;
    const counter = requests.with({ route, method: name, status: String(status) });
    if (name === method) {
      const byStatus = byMethod.get(method) ?? new Map<number, Counter>();
      byMethod.set(method, byStatus.set(status, counter));
    }
    return { duration, counter };
  };

  return event => {
    const known = routes.get(event.route);
    const counted = known?.requests.get(event.method)?.get(event.status);
    if (known === undefined || counted === undefined) {
      const { duration, counter } = learn(event);
      counter.add();
      duration.observe(event.seconds);
      return;
    }
    counted.add();
    known.duration.observe(event.seconds);
  };
}

type AdmissionEvents = Pick<Events, 'queueDepth' | 'queueWaited' | 'queueRefused' | 'slotsInUse'>;

function admissionEvents(registry: MetricsRegistry): AdmissionEvents {
  const depth = registry.gauge(admissionMetrics.queueDepth).with({});
  const waiting = registry.gauge(admissionMetrics.queueWaiting);
  const waits = registry.histogram(admissionMetrics.queueWait).with({});
  const refused = registry.counter(admissionMetrics.queueRefused);
  const slots = registry.gauge(admissionMetrics.slotsInUse);
  const byUpstream = new Map<string, ReturnType<typeof slots.with>>();
  return {
    queueDepth: ({ count, byPriority }) => {
      depth.set(count);
      for (const [priority, of] of byPriority) waiting.with({ priority }).set(of);
    },
    queueWaited: ({ seconds }) => waits.observe(seconds),
    queueRefused: event => refused.with(event).add(),
    slotsInUse: ({ upstream, count }) => {
      // Twice in every request, and there are few hosts.
      let series = byUpstream.get(upstream);
      if (series === undefined) byUpstream.set(upstream, (series = slots.with({ upstream })));
      series.set(count);
    },
  };
}

type ModelEvents = Pick<Events, 'degraded' | 'adjusted'>;

function modelEvents(registry: MetricsRegistry): ModelEvents {
  const degraded = registry.counter(modelMetrics.degraded);
  const adjusted = registry.counter(modelMetrics.adjusted);
  return { degraded: event => degraded.with(event).add(), adjusted: () => adjusted.with({}).add() };
}

type CacheEvents = Pick<Events, 'cacheAnswer' | 'cacheRefreshed' | 'cacheEvicted' | 'cacheMemory' | 'sharedCacheState'>;

function cacheEvents(registry: MetricsRegistry): CacheEvents {
  const requests = registry.counter(cacheMetrics.requests);
  const byResult = new Map<string, ReturnType<typeof requests.with>>();
  const refreshed = registry.counter(cacheMetrics.refreshed);
  const evictions = registry.counter(cacheMetrics.evictions);
  const held = registry.gauge(cacheMetrics.entries);
  const heldBytes = registry.gauge(cacheMetrics.bytes);
  const shared = registry.gauge(cacheMetrics.sharedUp);
  return {
    cacheAnswer: ({ result }) => {
      let series = byResult.get(result);
      if (series === undefined) byResult.set(result, (series = requests.with({ result })));
      series.add();
    },
    cacheRefreshed: event => refreshed.with(event).add(),
    cacheEvicted: () => evictions.with({}).add(),
    cacheMemory: ({ entries, bytes }) => {
      held.with({}).set(entries);
      heldBytes.with({}).set(bytes);
    },
    sharedCacheState: ({ usable }) => shared.with({}).set(usable ? 1 : 0),
  };
}

type OtherEvents = LoadEvents &
  CrashEvents &
  MemoryEvents &
  RequestEvents &
  ModelEvents &
  AdmissionEvents &
  UpstreamEvents &
  CacheEvents;
type HealingEvents = Omit<Events, keyof OtherEvents>;

function healingEvents(registry: MetricsRegistry): HealingEvents {
  const actions = registry.counter(healingMetrics.actions);
  const durations = registry.histogram(healingMetrics.actionDuration);
  const reaped = registry.counter(healingMetrics.leasesReaped);
  const slow = registry.counter(healingMetrics.slowStatements).with({});
  const filesLost = registry.counter(healingMetrics.metricsFilesLost).with({});
  const store = registry.gauge(healingMetrics.storeUp);
  const upstreams = registry.gauge(healingMetrics.upstreamUp);
  return {
    healed: ({ healer, trigger, result, seconds }) => {
      actions.with({ action: healer, trigger, result }).add();
      durations.with({ action: healer }).observe(seconds);
    },
    leasesReaped: ({ kind, count }) => reaped.with({ kind }).add(count),
    slowStatement: () => slow.add(),
    metricsLost: ({ files }) => filesLost.add(files),
    storeState: ({ open }) => store.with({}).set(open ? 1 : 0),
    upstreamState: ({ upstream, up }) => upstreams.with({ upstream }).set(up ? 1 : 0),
  };
}
