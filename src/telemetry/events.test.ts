import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { thisProcess } from '../kernel/process-identity.ts';
import { type CollectedMetrics, collectMetrics } from './collect-metrics.ts';
import { createEvents, type Events } from './events.ts';
import { metricTable } from './metric-table.ts';
import type { MergedSeries } from './metrics-merge.ts';
import { MetricsRegistry } from './metrics-registry.ts';
import { metricsContentType, renderMetricsText } from './metrics-text.ts';
import { ProcessGauges } from './process-gauges.ts';

interface SetUp {
  readonly registry: MetricsRegistry;
  readonly events: Events;
  readonly gauges: ProcessGauges;
  readonly text: () => Promise<string>;
  readonly collect: () => Promise<CollectedMetrics>;
}

function setUp(t: TestContext, now: () => number = () => performance.now()): SetUp {
  const dir = mkdtempSync(join(tmpdir(), 'deci-events-'));
  const onFailure = (error: unknown): void => assert.fail(String(error));
  const registry = new MetricsRegistry({ dir, owner: { role: 'blue', ...thisProcess() }, onFailure });
  const events = createEvents(registry);
  const gauges = new ProcessGauges({ registry, version: '1.2.3', random: Math.random, now, onFailure });
  t.after(async () => {
    await gauges.stop();
    await registry.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const collect = () => collectMetrics({ registry, nudge: async () => undefined });
  return {
    registry,
    events,
    gauges,
    text: async () => renderMetricsText(await collect()),
    collect,
  };
}

function seriesOf({ metrics }: CollectedMetrics, name: string): readonly MergedSeries[] {
  return metrics.find(one => one.definition.name === name)?.series ?? [];
}

function everyEvent(events: Events): void {
  events.memory({ pressure: 0.5, liveBytes: 1, gcShare: 0.1, leakBytesPerHour: 0, wantsReplacement: true });
  events.memoryRefused({ why: 'shed' });
  events.memoryEnded({ count: 2 });
  events.memoryCollected({ reason: 'early' });
  events.load({ utilisation: 0.5, delayMs: 3, stage: 2 });
  events.loadShed({ priority: 'batch' });
  events.crashed({ kind: 'fatal_error' });
  events.warned({ name: 'DeprecationWarning' });
  events.quarantine({ isOn: false });
  events.logHealth({ is: 'well' });
  events.logLinesLost({ count: 1 });
  events.httpRequest({ route: '/api/chat', method: 'POST', status: 200, seconds: 0.3 });
  events.authRefused({ code: 'forbidden' });
  events.degraded({ reason: 'fallback_model' });
  events.adjusted();
  events.streamOpened();
  events.streamOpened();
  events.streamClosed({ phase: 'complete' });
  events.queueDepth({ count: 3, byPriority: new Map([['batch', 3]]) });
  events.queueWaited({ seconds: 0.2 });
  events.queueRefused({ code: 'queue_full' });
  events.slotsInUse({ upstream: 'gpu-1', count: 2 });
  events.healed({ healer: 'breaker', trigger: 'a "quoted\\\n" one', result: 'healed', seconds: 2 });
  events.leasesReaped({ kind: 'slot', count: 3 });
  events.slowStatement();
  events.metricsLost({ files: 2 });
  events.storeState({ open: true });
  events.upstreamState({ upstream: 'gpu-1', up: false });
  events.hostState({ upstream: 'u', state: 'ready' });
  events.breakerState({ upstream: 'gpu-1', state: 'open' });
  events.breakerChanged({ upstream: 'gpu-1', level: 'host', change: 'opened' });
  events.canary({ upstream: 'gpu-1', result: 'answered' });
  events.retry({ reason: 'broken', result: 'answered' });
  events.cacheAnswer({ result: 'hit' });
  events.cacheRefreshed({ result: 'refreshed' });
  events.cacheEvicted();
  events.cacheMemory({ entries: 2, bytes: 3000 });
  events.sharedCacheState({ usable: true });
}

test('every event is a metric of the list, and every metric of the list is made', async t => {
  const { registry, events, gauges, collect } = setUp(t);
  everyEvent(events);
  gauges.setState('standby');
  gauges.setState('live');
  const words = { type: 'counter', name: 'words_total', help: 'x', unit: 'x', labels: ['word'], maxSeries: 0 } as const;
  registry.counter(words).with({ word: 'a' });
  const { metrics } = await collect();
  const made = metrics.filter(one => one.series.length > 0).map(one => one.definition.name);
  assert.deepEqual(made.filter(name => name !== words.name).toSorted(), metricTable.map(one => one.name).toSorted());
});

test('the text says what happened, as Prometheus reads it', async t => {
  const { events, gauges, text } = setUp(t);
  everyEvent(events);
  gauges.setState('standby');
  gauges.setState('live');
  const lines = (await text()).split('\n');
  for (const line of [
    '# TYPE http_server_request_duration_seconds histogram',
    'http_server_requests_total{route="/api/chat",method="POST",status="200"} 1',
    'http_server_request_duration_seconds_bucket{route="/api/chat",le="0.25"} 0',
    'http_server_request_duration_seconds_bucket{route="/api/chat",le="0.5"} 1',
    'http_server_request_duration_seconds_bucket{route="/api/chat",le="+Inf"} 1',
    'http_server_request_duration_seconds_sum{route="/api/chat"} 0.3',
    'http_server_request_duration_seconds_count{route="/api/chat"} 1',
    'deci_auth_refused_total{code="forbidden"} 1',
    'streams_active 1',
    'deci_streams_closed_total{phase="complete"} 1',
    // Known before it happens.
    'deci_streams_closed_total{phase="waiting"} 0',
    'selfheal_actions_total{action="breaker",trigger="a \\"quoted\\\\\\n\\" one",result="healed"} 1',
    'deci_leases_reaped_total{kind="slot"} 3',
    'deci_store_slow_statements_total 1',
    'deci_metrics_files_lost_total 2',
    'deci_store_up 1',
    'deci_upstream_up{upstream="gpu-1"} 0',
    `deci_process_state{process="blue-${process.pid}",state="standby"} 0`,
    `deci_process_state{process="blue-${process.pid}",state="live"} 1`,
    'deci_build_info{version="1.2.3"} 1',
    `deci_up{process="blue-${process.pid}"} 1`,
    'deci_metrics_files_skipped 0',
    'deci_workers_to_replace 1',
    'deci_memory_ended_total 2',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.equal(metricsContentType, 'text/plain; version=0.0.4; charset=utf-8');
});

/** Of Debian's package prometheus; nothing that npm brings. */
const checker = 'promtool';

test('promtool finds nothing wrong', async t => {
  const { events, gauges, text } = setUp(t);
  everyEvent(events);
  gauges.setState('live');
  const { status, stdout, stderr, error } = spawnSync(checker, ['check', 'metrics'], {
    input: await text(),
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return t.skip('promtool is not installed');
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.equal(`${stdout}${stderr}`.trim(), '');
});

test('methods nobody knows share one series, and paths instead of routes do not pile up', async t => {
  const { events, collect } = setUp(t);
  events.httpRequest({ route: '/r', method: 'PROPFIND', status: 405, seconds: 0.1 });
  events.httpRequest({ route: '/r', method: 'MKCOL', status: 405, seconds: 0.1 });
  for (let i = 0; i < 3000; i++) events.httpRequest({ route: `/p${i}`, method: 'GET', status: 200, seconds: 0.1 });
  const collected = await collect();
  const series = seriesOf(collected, 'http_server_requests_total');
  assert.deepEqual(series[0], { labels: ['/r', '_OTHER', '405'], values: Float64Array.of(2) });
  assert.equal(series.length, 2001);
  assert.deepEqual(series.at(-1), { labels: ['other', 'other', 'other'], values: Float64Array.of(1001) });
  assert.equal(seriesOf(collected, 'http_server_request_duration_seconds').length, 501);
});

const blockedMs = 1000;

/** Holds up the event loop, for as long as it takes to also use some CPU on a busy machine. */
function block(ms: number): void {
  const from = performance.now();
  const { user } = process.cpuUsage();
  while (performance.now() - from < ms || process.cpuUsage().user - user < 200_000);
}

test('a process tells its memory, its CPU time, when it began, and how late its timers fire', async t => {
  let nowMs = 0;
  const { gauges, collect } = setUp(t, () => nowMs);
  await gauges.start();
  const value = async (name: string, stat?: string): Promise<number> => {
    const series = seriesOf(await collect(), name);
    return series.find(({ labels }) => stat === undefined || labels.includes(stat))?.values[0] ?? Number.NaN;
  };
  const cpuBefore = await value('process_cpu_seconds_total');
  const isDelayed = async (): Promise<boolean> =>
    (await value('nodejs_eventloop_delay_seconds', 'max')) > blockedMs / 2000;
  // Between two timers of the monitor: a block before its first one is not seen.
  await until('a block was noticed', () => {
    block(blockedMs);
    return new Promise(resolve => setTimeout(() => resolve(isDelayed()), 1));
  });
  assert.ok((await value('process_cpu_seconds_total')) - cpuBefore >= 0.1);
  assert.ok((await value('process_resident_memory_bytes')) > 10_000_000);
  assert.ok((await value('nodejs_heap_used_bytes')) > 1_000_000);
  assert.ok(Math.abs((await value('process_start_time_seconds')) - Date.now() / 1000) < 3600);
  nowMs = 15_000;
  await collect();
  assert.ok(await isDelayed(), 'still known in the next window');
  nowMs = 30_000;
  await collect();
  assert.ok(!(await isDelayed()), 'forgotten in the one after it');
});
