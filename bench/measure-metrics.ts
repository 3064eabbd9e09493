/**
 * What the metrics cost: a request that is counted, a write of all values, and the collecting over the files of four
 * workers that have seen every route.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { thisProcess } from '../src/kernel/process-identity.ts';
import { collectMetrics } from '../src/telemetry/collect-metrics.ts';
import { createEvents, type Events } from '../src/telemetry/events.ts';
import { MetricsRegistry } from '../src/telemetry/metrics-registry.ts';
import { renderMetricsText } from '../src/telemetry/metrics-text.ts';
import { type Bench, type Result, spreadText } from './measure.ts';
import { type Spread, spreadOf } from './statistics.ts';

const maxEventUs = 0.3;
const maxFlushUs = 200;
const maxCollectMs = 50;
const workers = 4;
const routes = Array.from({ length: 60 }, (_, i) => `/api/route-${i}`);
const statuses = [200, 400, 401, 404, 429, 500, 502, 503];

export async function measureMetrics(bench: Bench): Promise<Result[]> {
  const dir = mkdtempSync(join(tmpdir(), 'deci-bench-metrics-'));
  const registries = Array.from({ length: workers }, (_, i) => worker(dir, i));
  const [first] = registries;
  if (first === undefined) throw new Error('no worker');
  try {
    const rounds = bench.quick ? 5 : 15;
    const events = await sample(rounds, () => eventUs(first.events, bench.quick ? 200_000 : 1_000_000));
    const flushes = await sample(rounds, () => timed(() => repeat(100, () => first.registry.flush())) * 10);
    const collects: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const startedAt = performance.now();
      renderMetricsText(await collectMetrics({ registry: first.registry, nudge: async () => undefined }));
      collects.push(performance.now() - startedAt);
    }
    return [
      result('metrics-event', 'count one request', { max: maxEventUs, unit: 'us', digits: 3 }, events),
      result('metrics-flush', 'write all values of a worker', { max: maxFlushUs, unit: 'us', digits: 0 }, flushes),
      result(
        'metrics-collect',
        'collect over 4 workers',
        { max: maxCollectMs, unit: 'ms', digits: 1 },
        spreadOf(collects),
      ),
    ];
  } finally {
    for (const { registry } of registries) await registry.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function worker(dir: string, index: number): { registry: MetricsRegistry; events: Events } {
  const owner = { ...thisProcess(), role: `bench${index}` };
  const onFailure = (error: Error): void => {
    throw error;
  };
  const registry = new MetricsRegistry({ dir, owner, onFailure });
  const events = createEvents(registry);
  for (const route of routes) {
    for (const status of statuses) events.httpRequest({ route, method: 'POST', status, seconds: 0.1 });
  }
  registry.flush();
  return { registry, events };
}

function eventUs({ httpRequest }: Events, count: number): number {
  const ms = timed(() => {
    for (let i = 0; i < count; i++) {
      httpRequest({ route: routes[i % 60] ?? '', method: 'POST', status: 200, seconds: (i % 100) / 50 });
    }
  });
  return (ms * 1000) / count;
}

async function sample(rounds: number, one: () => number): Promise<Spread> {
  one();
  const values: number[] = [];
  for (let i = 0; i < rounds; i++) {
    values.push(one());
    await turn();
  }
  return spreadOf(values);
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

function repeat(times: number, work: () => void): void {
  for (let i = 0; i < times; i++) work();
}

interface Bar {
  readonly max: number;
  readonly unit: string;
  readonly digits: number;
}

function result(name: string, measure: string, { max, unit, digits }: Bar, spread: Spread): Result {
  return {
    name,
    measure,
    bar: `<= ${max} ${unit}`,
    value: `${spread.median.toFixed(digits)} ${unit}`,
    spread: spreadText(spread, digits),
    passed: spread.median <= max,
    notes: [],
    data: { max, unit, spread },
  };
}
