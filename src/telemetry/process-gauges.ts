/**
 * What this process costs and how it feels: memory, CPU time, how late its timers fire. Sampled before every flush and
 * once a second, so that one that was killed leaves its CPU time and one that is frozen its last state.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { Gauge } from './metric-series.ts';
import { processMetrics } from './metric-table.ts';
import { processLabel } from './metrics-owner.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

type DelayMonitor = ReturnType<typeof monitorEventLoopDelay>;

export interface ProcessGaugesOptions {
  readonly registry: MetricsRegistry;
  readonly version: string;
  readonly random: () => number;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** Called when a round of sampling failed. */
  readonly onFailure: (error: unknown) => void;
}

const sampleEveryMs = 1000;
/** Whoever asks every 15 s sees every delay at least once. */
const delayWindowMs = 15_000;
/** How often the delay is measured. Each is a wake-up: every 20 ms they would cost 0.2 % of a core. */
const delayResolutionMs = 50;
const delayStats = [
  { stat: 'p50', percentile: 50 },
  { stat: 'p99', percentile: 99 },
  { stat: 'max', percentile: 100 },
] as const;

export class ProcessGauges implements Resource {
  readonly name = 'process-gauges';
  readonly #states: (state: string) => void;
  readonly #delays: DelayMonitor = monitorEventLoopDelay({ resolution: delayResolutionMs });
  readonly #ticker: Ticker;

  constructor({ registry, version, random, now, onFailure }: ProcessGaugesOptions) {
    const process_ = processLabel(registry.owner);
    this.#states = stateSetter(registry, process_);
    registry.gauge(processMetrics.build).with({ version }).set(1);
    const sample = sampler(registry, process_, { delays: this.#delays, now });
    registry.sample(sample);
    const tick = async (): Promise<undefined> => sample();
    this.#ticker = new Ticker({ name: this.name, tick, intervalMs: sampleEveryMs, onFailure, random });
  }

  async start(): Promise<void> {
    this.#delays.enable();
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
    this.#delays.disable();
  }

  /** `live`, `standby`, `draining`: whichever words the owner has, a handful. */
  setState(state: string): void {
    this.#states(state);
  }
}

function stateSetter(registry: MetricsRegistry, process_: string): (state: string) => void {
  const family = registry.gauge(processMetrics.state);
  let current: Gauge | undefined;
  return state => {
    current?.set(0);
    current = family.with({ process: process_, state });
    current.set(1);
  };
}

interface SamplerNeeds {
  readonly delays: DelayMonitor;
  readonly now: () => number;
}

function sampler(registry: MetricsRegistry, process_: string, { delays, now }: SamplerNeeds): () => undefined {
  const labels = { process: process_ };
  const cpu = registry.counter(processMetrics.cpu).with({});
  const resident = registry.gauge(processMetrics.resident).with(labels);
  const heapUsed = registry.gauge(processMetrics.heapUsed).with(labels);
  const sampleDelays = delaySampler(registry, process_, { delays, now });
  registry
    .gauge(processMetrics.startTime)
    .with(labels)
    .set(performance.timeOrigin / 1000);
  let countedMicroseconds = 0;
  return () => {
    const { user, system } = process.cpuUsage();
    cpu.add((user + system - countedMicroseconds) / 1e6);
    countedMicroseconds = user + system;
    resident.set(process.memoryUsage.rss());
    heapUsed.set(process.memoryUsage().heapUsed);
    sampleDelays();
  };
}

/** Two windows, the running one and the one before it, so that no delay is forgotten the moment a window ends. */
function delaySampler(registry: MetricsRegistry, process_: string, { delays, now }: SamplerNeeds): () => void {
  const family = registry.gauge(processMetrics.loopDelay);
  const windows = delayStats.map(({ stat, percentile }) => ({
    percentile,
    gauge: family.with({ process: process_, stat }),
    before: 0,
  }));
  let since = now();
  return () => {
    const ends = now() - since >= delayWindowMs;
    for (const window of windows) {
      const current = lateSeconds(delays, window.percentile);
      window.gauge.set(Math.max(current, window.before));
      if (ends) window.before = current;
    }
    if (!ends) return;
    delays.reset();
    since = now();
  };
}

/** The monitor tells the whole time between two of its timers, not how late the second was. */
function lateSeconds(delays: DelayMonitor, percentile: number): number {
  if (delays.count === 0) return 0;
  return Math.max(0, delays.percentile(percentile) / 1e9 - delayResolutionMs / 1000);
}
