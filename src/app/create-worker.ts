/** The composition root of a worker: everything is made here, in a straight line, and started and stopped from here. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Authenticator, newKey } from '../auth/authenticator.ts';
import { isKey } from '../auth/credentials.ts';
import type { Config } from '../config/config.ts';
import type { EndSurroundings } from '../crash/crash-reporter.ts';
import { createPipeline, withOldAnswers } from '../gateway/pipeline.ts';
import { ActiveRequests } from '../http/active-requests.ts';
import { createExpressApp } from '../http/express-app.ts';
import { createHostCheck } from '../http/host-policy.ts';
import { OriginPolicy } from '../http/origin-policy.ts';
import { createRequestIds } from '../http/request-ids.ts';
import { RouteTable } from '../http/route-table.ts';
import { createRoutes } from '../http/routes.ts';
import { HttpServer } from '../http/server.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { makeFolder } from '../kernel/make-folder.ts';
import { shareNext } from '../kernel/share-next.ts';
import { readOrMakeSecret } from '../storage/secret-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { metricsContentType } from '../telemetry/metrics-text.ts';
import { CacheWarmer } from './cache-warmer.ts';
import { noRoute } from './count-request.ts';
import { createAdaptiveLimits } from './create-adaptive-limits.ts';
import { createAdmission } from './create-admission.ts';
import { createCache } from './create-cache.ts';
import { createHosts } from './create-hosts.ts';
import { createLogTeller } from './create-log-teller.ts';
import { createModels } from './create-models.ts';
import { createProtection } from './create-protection.ts';
import { createRequestEnd } from './create-request-end.ts';
import { createResilience } from './create-resilience.ts';
import { createSpine } from './create-spine.ts';
import { createWorkerDoor } from './create-worker-door.ts';
import { drain } from './drain.ts';
import { createHealingSummary } from './healing-summary.ts';
import { inFlightOf } from './in-flight.ts';
import { renderClusterMetrics } from './metrics-render.ts';
import { PreWarm } from './pre-warm.ts';
import { recycleAsker } from './recycle-asker.ts';
import { removeDeadSockets } from './remove-dead-sockets.ts';
import { Serving } from './serving.ts';
import { Standby } from './standby.ts';
import { startMs } from './start-time.ts';

export interface WorkerIdentity {
  readonly colour: string;
  readonly version: string;
  /** Whether names in Host headers are checked: true while bound to loopback. */
  readonly loopback: boolean;
  readonly print: (line: string) => void;
  /** Ends the process as a signal would. */
  readonly leave: (reason: string) => void;
}

export interface Worker {
  readonly log: Logger;
  /** Serves. @throws LifecycleError or a bind error; nothing is left running then */
  start(): Promise<void>;
  /** Drains and stops; idempotent. */
  stop(reason: string): Promise<void>;
  describeEnd(): EndSurroundings;
  /** Ends every answer in its protocol, at once. */
  abandon(): Promise<void>;
}

/** Of a crash, before the process ends. */
const abandonMs = 700;
const handedOverMs = 250;
/** Time for closing files and upstream connections behind the drain. */
const closingMs = 5000;

export function createWorker(config: Config, identity: WorkerIdentity): Worker {
  const { colour, version, loopback, print } = identity;
  const { places, timeouts, bodyLimits, heartbeatMs } = config;
  const startedAt = new Date();
  let stopping: Promise<void> | undefined;
  const socketPath = join(places.runDir, `${colour}-${process.pid}.sock`);
  const inferenceLimits = { firstMs: timeouts.loadMs, stallMs: timeouts.stallMs, totalMs: timeouts.totalMs };

  const spine = createSpine(config, {
    role: colour,
    version,
    print,
    presence: `${colour}-${process.pid}`,
    leave: identity.leave,
  });
  const { log, events, registry, gauges } = spine;

  const adminKey = readOrMakeSecret({ path: join(places.dataDir, 'admin-key'), make: newKey, isValid: isKey });
  const authenticator = new Authenticator({ adminKey, anonymousRole: config.anonymousRole });

  // The same for all workers of this installation, and nobody else's.
  const via = createHash('sha256').update(`${hostname()} ${places.runDir}`).digest('hex').slice(0, 16);
  const isOptionalAllowed = (): boolean => protection.isOptionalAllowed();
  const isDraining = (): boolean => serving.state === 'draining';
  const resilience = createResilience({ config, spine, isDraining, isOptionalAllowed });
  const { board } = resilience;
  const limitOf = (host: string, model: string): number => admission.limitOf(host, model);
  const hosts = createHosts({ config, spine, resilience, via, limitOf, onChange: host => preWarm.changed(host) });
  const { pool, drained } = hosts;
  const admission = createAdmission(config, spine, pool);
  const adaptive = createAdaptiveLimits(config, hosts.coldLoads);
  const healthChecks = resilience.resources(pool, admission, { adaptive, loads: hosts.coldLoads });
  const cache =
    config.cache === undefined
      ? undefined
      : createCache(
          {
            ...config.cache,
            runDir: places.runDir,
            address: basename(socketPath),
            limits: inferenceLimits,
            weights: hosts.weights,
            isIdle: () => admission.waiting === 0 && isOptionalAllowed(),
          },
          spine,
        );
  const active = new ActiveRequests();
  const protection = createProtection(config, spine, { active, cached: cache?.memory });
  const attempts = withOldAnswers(resilience.attempts, cache);
  const models = createModels(config, spine);
  const { policy, virtualModels } = models;
  const lifecycle = new Lifecycle([
    ...spine.resources,
    createLogTeller(config, spine),
    ...(cache?.resources ?? []),
    ...protection.resources,
    { name: 'admission', start: async () => undefined, stop: async () => admission.stop() },
    drained,
    virtualModels,
    pool,
    ...healthChecks,
    hosts.states,
    { name: 'pre-warm', start: async () => undefined, stop: async () => preWarm.stop() },
  ]);

  const shortLimits = { firstMs: timeouts.requestMs, stallMs: timeouts.requestMs, totalMs: timeouts.requestMs };
  const transferLimits = { firstMs: timeouts.transferIdleMs, stallMs: timeouts.transferIdleMs, totalMs: undefined };

  const placed = { hosts: pool, admission, limits: inferenceLimits };
  const generate = createPipeline({ placed: { ...placed, adaptive }, attempts, cache, models: policy });
  const preWarm = new PreWarm({ models: config.models.preWarm, generate, leases: spine.leases, log });
  const warmFile = config.cache?.warmFile;
  const warming = { generate, leases: spine.leases, log, isOptionalAllowed };
  const warmer = warmFile === undefined ? undefined : new CacheWarmer({ path: warmFile, ...warming });

  const newId = createRequestIds();
  const routes = new RouteTable(
    createRoutes({
      lists: { hosts: pool.hosts, virtual: virtualModels },
      generation: { generate, heartbeatMs },
      inference: { ...placed, attempts, models: policy },
      breakers: { breakers: board },
      virtualModels: models.admin,
      short: { hosts: pool, limits: shortLimits, isLeftAlone: host => board.standing(host, '') === 'open' },
      transfer: { hosts: pool, limits: transferLimits },
      health: {
        version,
        hosts: pool.hosts,
        conditionOf: host => hosts.states.of(host),
        storeFailure: () => (spine.store.state.is === 'unavailable' ? spine.store.state.error.reason : undefined),
        healing: createHealingSummary({ journal: spine.journal, now: Date.now }),
        state: () => serving.state,
      },
      metrics: {
        render: shareNext(() => renderClusterMetrics(registry, places.runDir)),
        contentType: metricsContentType,
      },
      healers: { healers: healerCatalogue, journal: spine.journal, settings: spine.healerSettings, now: Date.now },
      hosts: {
        list: hosts.views,
        setDraining: (host, draining, by) => drained.set(host, draining, by),
      },
      recycle: recycleAsker(config, spine.journal),
      queue: { capacity: config.queueMax, list: () => admission.line(), now: Date.now },
      embeddingCache: cache,
      cacheAdmin: { cache: cache?.admin },
      openApi: { read: () => readFile(new URL('../../docs/reference/openapi.json', import.meta.url)) },
    }),
  );
  const app = createExpressApp({
    newId,
    active,
    onStream: () => events.streamOpened(),
    onEnd: createRequestEnd({ source: `deci-${colour}`, log, events }),
    hostAllowed: createHostCheck(loopback, config.allowedHosts),
    origins: new OriginPolicy(config.allowedOrigins),
    routes,
    via,
    firstGate: protection.firstGate,
    authenticator,
    body: { ...bodyLimits, timeoutMs: timeouts.requestMs, onGrown: protection.onBodyGrown },
  });

  const publicServer = new HttpServer({
    listen: { host: config.host, port: config.port === 'auto' ? 0 : config.port },
    handler: app,
    onRefused: refusal => {
      const id = newId();
      log.info('not a request', { id, ...refusal });
      events.httpRequest({ route: noRoute, method: 'none', status: refusal.status, seconds: 0 });
      return id;
    },
  });
  const servers = [publicServer, ...(cache === undefined ? [] : [cache.flightDoor])];
  const serving = new Serving({
    standby: new Standby({ active, server: publicServer }),
    onChange: state => {
      gauges.setState(state);
      log.info('worker state', { state, active: active.size });
    },
  });
  const describe = (): object => ({
    pid: process.pid,
    colour,
    state: serving.state,
    version,
    host: config.host,
    port: publicServer.port,
    upstreams: hosts.describe(),
    active: active.size,
    started_at: startedAt.toISOString(),
    ...protection.describe(),
  });
  const door = createWorkerDoor({
    socketPath,
    serving,
    registry,
    log,
    describe,
    publicApp: app,
    flights: cache?.flightDoor,
    leave: identity.leave,
  });

  return {
    log,
    async start() {
      try {
        await withDeadline(startMs(timeouts.bootMs), signal => lifecycle.start(signal));
        makeFolder(places.runDir);
        removeDeadSockets(places.runDir, colour);
        await publicServer.listen();
        await door.start();
      } catch (error) {
        publicServer.leave();
        publicServer.destroyAll();
        await withDeadline(closingMs, signal => lifecycle.stop(signal));
        throw error;
      }
      if (!serving.begin()) return;
      const upstreams = pool.hosts.map(host => host.url);
      await warmer?.start();
      log.info('worker is ready', { host: config.host, port: publicServer.port, upstreams });
    },
    stop(reason) {
      stopping ??= leave(reason);
      return stopping;
    },
    describeEnd: () => ({
      in_flight: inFlightOf(active),
      event_loop: protection.eventLoop(),
      last_lines: spine.lastLines.all(),
    }),
    abandon: async () => {
      // A connection that was just handed to this process is lost to its client without a word if nobody takes it.
      await Promise.all([drain({ active, servers, drainMs: 0, farewellMs: abandonMs }), delay(handedOverMs)]);
    },
  };

  async function leave(reason: string): Promise<void> {
    serving.leave();
    log.info('worker is leaving', { reason, active: active.size });
    try {
      const { ended } = await drain({ active, servers, drainMs: timeouts.drainMs });
      await warmer?.stop();
      // To the end a worker that leaves can be asked how far it is.
      await door.stop();
      await withDeadline(closingMs, signal => lifecycle.stop(signal));
      log.info('worker has left', { ended });
    } finally {
      rmSync(socketPath, { force: true });
      await log.close();
    }
  }
}
