/**
 * What the guards of a worker cost: CPU per request of one process with all of its healers on and with all of them off, in interleaved
 * pairs. Judged is the upper bound of a one-sided 95 % confidence interval of the mean (Student 1908), since a mean alone may be luck.
 * Beside it, what an idle worker takes, which all of its guards are a part of.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LoadClient } from './load-client.ts';
import { type Bench, type Result, spreadText } from './measure.ts';
import { cpuSeconds } from './process-usage.ts';
import { benchKey, wholeChat } from './scenarios.ts';
import type { ServerProcess } from './server-process.ts';
import { spreadOf } from './statistics.ts';

const bar = 0.03;
const connections = 32;
const healers = ['memory-guard', 'load-shed', 'log-fallback', 'breaker', 'shared-cache'];
/** A worker looks at the modes of its healers every two seconds. */
const knownMs = 2500;
/** 95 %, by degrees of freedom. */
const student: Readonly<Record<number, number>> = { 2: 2.92, 9: 1.833 };

export async function measureGuards(bench: Bench): Promise<Result[]> {
  const { pairs, sampleMs, idleMs } = bench.quick
    ? { pairs: 3, sampleMs: 1000, idleMs: 3000 }
    : { pairs: 10, sampleMs: 2500, idleMs: 10_000 };
  const deci = await bench.startDeci({ CACHE: 'off' });
  await sample(deci, sampleMs);
  await delay(knownMs);
  const idleBefore = cpuSeconds(deci.pid);
  await delay(idleMs);
  const idle = (cpuSeconds(deci.pid) - idleBefore) / (idleMs / 1000);
  const extra: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const cost: Record<string, number> = {};
    // Who is first changes, so that neither always has the warmer machine.
    for (const mode of pair % 2 === 0 ? ['on', 'off'] : ['off', 'on']) {
      await setAll(deci, mode);
      cost[mode] = await sample(deci, sampleMs);
    }
    extra.push((cost['on'] ?? Number.NaN) / (cost['off'] ?? Number.NaN) - 1);
  }
  await deci.stop();
  const { mean, upper } = boundOf(extra);
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
  return [
    {
      name: 'guards',
      measure: 'CPU per request, all guards on against off: upper bound',
      bar: `<= ${percent(bar)}`,
      value: `${percent(upper)} (mean ${percent(mean)})`,
      spread: spreadText(spreadOf(extra), 3),
      passed: upper <= bar,
      notes: [`an idle worker, its guards and everything else included, takes ${percent(idle)} of a core`],
      data: { bar, extra, mean, upper, idle },
    },
  ];
}

/** @returns CPU seconds for 1000 requests */
async function sample({ pid, port }: ServerProcess, sampleMs: number): Promise<number> {
  const client = new LoadClient(wholeChat);
  await client.start(port, connections);
  await client.run(delay(150));
  const before = { answered: client.answered, cpu: cpuSeconds(pid) };
  await client.run(delay(sampleMs));
  const answered = client.answered - before.answered;
  const cpu = cpuSeconds(pid) - before.cpu;
  await client.stop();
  return (cpu / answered) * 1000;
}

async function setAll({ port }: ServerProcess, mode: string): Promise<void> {
  for (const name of healers) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/admin/healers/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'x-api-key': benchKey },
      body: JSON.stringify({ mode }),
    });
    if (answer.status !== 200)
      throw new Error(`${name} could not be set to ${mode}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  }
  await delay(knownMs);
}

function boundOf(values: readonly number[]): { readonly mean: number; readonly upper: number } {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, upper: mean + (student[n - 1] ?? 2) * Math.sqrt(variance / n) };
}
