/**
 * What Deci adds to the time to the first token while 50 streams run: the upstream sends its first token at once, so the
 * difference to the plain pass-through, in interleaved slices of one run, is ours.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type Result, spreadText } from './measure.ts';
import type { ServerProcess } from './server-process.ts';
import { quantile, spreadOf } from './statistics.ts';
import { StreamConnection, type StreamReport } from './stream-client.ts';

const streams = 50;
const tokens = 10;
const perSecond = 20;
const bars = [
  { name: 'p50', fraction: 0.5, maxMs: 1 },
  { name: 'p99', fraction: 0.99, maxMs: 5 },
] as const;

interface Slice {
  readonly deci: readonly StreamReport[];
  readonly reference: readonly StreamReport[];
}

export async function measureFirstToken(bench: Bench): Promise<Result[]> {
  const [deci, reference] = [await bench.startDeci(), await bench.startPassThrough()];
  const { slices, sliceMs } = bench.quick ? { slices: 3, sliceMs: 1500 } : { slices: 7, sliceMs: 2000 };
  await slice(deci, 1000);
  await slice(reference, 1000);
  const taken: Slice[] = [];
  for (let i = 0; i < slices; i++) {
    const first = await slice(deci, sliceMs);
    taken.push({ deci: first, reference: await slice(reference, sliceMs) });
  }
  await Promise.all([deci.stop(), reference.stop()]);
  return bars.map(bar => judge(bar, taken));
}

/** Streams that follow one another on each connection, spread over one stream's life so that they do not beat together. */
async function slice({ port }: ServerProcess, durationMs: number): Promise<StreamReport[]> {
  const until = performance.now() + durationMs;
  const reports: StreamReport[] = [];
  const lifeMs = (tokens / perSecond) * 1000;
  const workers = Array.from({ length: streams }, async (_, index) => {
    const connection = new StreamConnection(port);
    await delay((lifeMs / streams) * index);
    // The first stream pays for the connection; it is not counted.
    await connection.ask({ id: `w${index}`, tokens, perSecond });
    for (let count = 0; performance.now() < until; count++) {
      reports.push(await connection.ask({ id: `s${index}x${count}`, tokens, perSecond }));
    }
    connection.close();
  });
  await Promise.all(workers);
  return reports;
}

function judge({ name, fraction, maxMs }: (typeof bars)[number], slices: readonly Slice[]): Result {
  const first = (reports: readonly StreamReport[]): number =>
    quantile(
      reports.map(one => one.firstTokenMs),
      fraction,
    );
  const later = (reports: readonly StreamReport[]): number =>
    quantile(
      reports.flatMap(one => one.tokenMs),
      fraction,
    );
  const all = { deci: slices.flatMap(one => one.deci), reference: slices.flatMap(one => one.reference) };
  // By slices, not over all of them: one second in which the machine was busy elsewhere would be the whole p99.
  const spread = spreadOf(slices.map(one => first(one.deci) - first(one.reference)));
  const addedMs = spread.median;
  const perTokenMs = { deci: later(all.deci), reference: later(all.reference) };
  const firstTokenMs = { deci: first(all.deci), reference: first(all.reference) };
  return {
    name: `first-token-${name}`,
    measure: `first token at ${streams} streams, added, ${name}`,
    bar: `<= ${maxMs} ms`,
    value: `${addedMs.toFixed(2)} ms`,
    spread: spreadText(spread, 2),
    passed: addedMs <= maxMs,
    notes: [
      `first token: deci ${firstTokenMs.deci.toFixed(2)} ms, pass-through ${firstTokenMs.reference.toFixed(2)} ms, of ${all.deci.length} and ${all.reference.length} streams`,
      `each token, upstream to client: deci ${perTokenMs.deci.toFixed(2)} ms, pass-through ${perTokenMs.reference.toFixed(2)} ms`,
    ],
    data: { maxMs, addedMs, spread, firstTokenMs, perTokenMs, streams: all.deci.length },
  };
}
