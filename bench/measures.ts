/** The table of measures, with their bars. */
import type { Measure } from './measure.ts';
import { measureAuth } from './measure-auth.ts';
import { measureBoot } from './measure-boot.ts';
import { measureFirstToken } from './measure-first-token.ts';
import { measureGuards } from './measure-guards.ts';
import { measureLeases } from './measure-leases.ts';
import { measureMetrics } from './measure-metrics.ts';
import { measureMetricsCluster } from './measure-metrics-cluster.ts';
import { measureOpenStreams } from './measure-open-streams.ts';
import { measureQueue } from './measure-queue.ts';
import { measureThroughput, type ThroughputMeasure } from './measure-throughput.ts';
import { manyRecordedChats, nativeStream, openAiStream, recordedChat, version, wholeChat } from './scenarios.ts';

const versionPlan: ThroughputMeasure = {
  name: 'version',
  measure: 'GET /api/version, whole chain, logs on',
  bar: 0.7,
  deci: version,
  reference: version,
};

const relayPlans: readonly ThroughputMeasure[] = [
  { name: 'chat', measure: 'chat, not streamed', bar: 0.6, deci: wholeChat, reference: wholeChat },
  { name: 'native-stream', measure: 'native stream, 20 tokens', bar: 0.6, deci: nativeStream, reference: nativeStream },
  { name: 'openai-stream', measure: 'OpenAI stream, 20 tokens', bar: 0.4, deci: openAiStream, reference: nativeStream },
];

const memoryHitPlan: ThroughputMeasure = {
  name: 'cache-memory',
  measure: 'recorded chat, from memory',
  bar: 0.6,
  deci: recordedChat,
  reference: recordedChat,
};

const sharedHitPlan: ThroughputMeasure = {
  name: 'cache-shared',
  measure: 'recorded chats, each from the shared cache',
  bar: 0.45,
  deci: manyRecordedChats(500),
  reference: manyRecordedChats(500),
};

/** By the name that `--only` takes. */
export const measures: ReadonlyMap<string, Measure> = new Map([
  ['boot', measureBoot],
  [versionPlan.name, throughput(versionPlan, 'express')],
  ...relayPlans.map(plan => [plan.name, throughput(plan, 'pass-through')] as const),
  [memoryHitPlan.name, throughput(memoryHitPlan, 'express')],
  [sharedHitPlan.name, throughput(sharedHitPlan, 'express', { CACHE_MAX_ENTRIES: '1' })],
  ['first-token', measureFirstToken],
  ['open-streams', measureOpenStreams],
  ['leases', measureLeases],
  ['metrics', measureMetrics],
  ['metrics-cluster', measureMetricsCluster],
  ['auth', measureAuth],
  ['queue', measureQueue],
  ['guards', measureGuards],
]);

function throughput(
  plan: ThroughputMeasure,
  against: 'express' | 'pass-through',
  env: Readonly<Record<string, string>> = {},
): Measure {
  return async bench => {
    const deci = await bench.startDeci(env);
    const reference = await (against === 'express' ? bench.startExpress() : bench.startPassThrough());
    const result = await measureThroughput(bench, plan, deci, reference);
    await Promise.all([deci.stop(), reference.stop()]);
    return [result];
  };
}
