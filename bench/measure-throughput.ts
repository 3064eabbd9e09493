/**
 * Requests per second of Deci against a reference, in interleaved pairs, so that what else happens on the machine falls on
 * both. Beside it the same by CPU time per request, which does not depend on whether the client kept up: when a server's
 * core was not busy, the requests per second are the client's, and the CPU time gives the verdict.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LoadClient } from './load-client.ts';
import { type Bench, type Result, spreadText } from './measure.ts';
import { cpuSeconds } from './process-usage.ts';
import type { Scenario } from './scenarios.ts';
import type { ServerProcess } from './server-process.ts';
import { median, spreadOf } from './statistics.ts';

export interface ThroughputMeasure {
  readonly name: string;
  readonly measure: string;
  readonly bar: number;
  readonly deci: Scenario;
  readonly reference: Scenario;
}

interface Sample {
  readonly perSecond: number;
  /** CPU seconds of the server for 1000 requests, which is also milliseconds for one. */
  readonly cpuPerThousand: number;
  /** Share of the wall time that the server was on its core. */
  readonly busy: number;
}

const connections = 32;
const settleMs = 150;
const busyEnough = 0.85;

export async function measureThroughput(
  bench: Bench,
  plan: ThroughputMeasure,
  deci: ServerProcess,
  reference: ServerProcess,
): Promise<Result> {
  const { warmUpMs, sampleMs, pairs } = bench.quick
    ? { warmUpMs: 1000, sampleMs: 1000, pairs: 3 }
    : { warmUpMs: 2000, sampleMs: 2000, pairs: 7 };
  await sample(deci, plan.deci, warmUpMs);
  await sample(reference, plan.reference, warmUpMs);
  const samples: { deci: Sample; reference: Sample }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const first = await sample(deci, plan.deci, sampleMs);
    samples.push({ deci: first, reference: await sample(reference, plan.reference, sampleMs) });
  }
  return judge(plan, reference.name, samples);
}

async function sample({ pid, port }: ServerProcess, scenario: Scenario, sampleMs: number): Promise<Sample> {
  const client = new LoadClient(scenario);
  await client.start(port, connections);
  await client.run(delay(settleMs));
  const before = { answered: client.answered, cpu: cpuSeconds(pid), at: performance.now() };
  await client.run(delay(sampleMs));
  const answered = client.answered - before.answered;
  const cpu = cpuSeconds(pid) - before.cpu;
  const seconds = (performance.now() - before.at) / 1000;
  await client.stop();
  return { perSecond: answered / seconds, cpuPerThousand: (cpu / answered) * 1000, busy: cpu / seconds };
}

function judge(plan: ThroughputMeasure, referenceName: string, samples: { deci: Sample; reference: Sample }[]): Result {
  const byRate = spreadOf(samples.map(pair => pair.deci.perSecond / pair.reference.perSecond));
  const byCpu = spreadOf(samples.map(pair => pair.reference.cpuPerThousand / pair.deci.cpuPerThousand));
  const deci = medianSample(samples.map(pair => pair.deci));
  const reference = medianSample(samples.map(pair => pair.reference));
  const saturated = deci.busy >= busyEnough && reference.busy >= busyEnough;
  const judged = saturated ? byRate : byCpu;
  const notes = [describe('deci', deci), describe(referenceName, reference)];
  if (!saturated) notes.push(`a server's core was < ${busyEnough * 100} % busy: judged by CPU per request`);
  return {
    name: plan.name,
    measure: plan.measure,
    bar: `>= ${plan.bar.toFixed(2)} x ${referenceName}`,
    value: `${judged.median.toFixed(2)} x (rate ${byRate.median.toFixed(2)}, cpu ${byCpu.median.toFixed(2)})`,
    spread: spreadText(judged, 2),
    passed: judged.median >= plan.bar,
    notes,
    data: {
      bar: plan.bar,
      reference: referenceName,
      byRate,
      byCpu,
      saturated,
      deci,
      referenceServer: reference,
      samples,
    },
  };
}

function medianSample(samples: readonly Sample[]): Sample {
  return {
    perSecond: median(samples.map(one => one.perSecond)),
    cpuPerThousand: median(samples.map(one => one.cpuPerThousand)),
    busy: median(samples.map(one => one.busy)),
  };
}

function describe(name: string, { perSecond, cpuPerThousand, busy }: Sample): string {
  return `${name}: ${perSecond.toFixed(0)}/s, ${cpuPerThousand.toFixed(3)} CPU s per 1000, core ${(busy * 100).toFixed(0)} % busy`;
}
