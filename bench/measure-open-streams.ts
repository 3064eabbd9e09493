/**
 * A thousand streams open at once: whether each gets exactly its own tokens, and what one costs in memory. Fresh processes
 * for every round, since memory once taken is rarely given back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type Result, spreadText } from './measure.ts';
import { rssMb } from './process-usage.ts';
import type { ServerProcess } from './server-process.ts';
import { median, spreadOf } from './statistics.ts';
import { StreamConnection } from './stream-client.ts';

const streams = 1000;
const perSecond = 5;
const maxRatio = 1.3;
const openingMs = 1000;

interface Round {
  readonly whole: number;
  readonly failures: readonly string[];
  readonly idleMb: number;
  readonly openMb: number;
  readonly kbPerStream: number;
}

export async function measureOpenStreams(bench: Bench): Promise<Result[]> {
  const { rounds, tokens } = bench.quick ? { rounds: 1, tokens: 20 } : { rounds: 2, tokens: 35 };
  const taken: { deci: Round; reference: Round }[] = [];
  for (let i = 0; i < rounds; i++) {
    const deci = await round(await bench.startDeci(), tokens);
    taken.push({ deci, reference: await round(await bench.startPassThrough(), tokens) });
  }
  return [judgeStreams(taken.map(one => one.deci)), judgeMemory(taken)];
}

async function round(server: ServerProcess, tokens: number): Promise<Round> {
  // Code and heap take their working size first, so that what is counted belongs to the streams.
  await openAll(server.port, { count: 100, tokens: 20, rate: 20, spreadMs: 200 });
  await delay(500);
  const idleMb = rssMb(server.pid);
  const samples: number[] = [];
  const lifeMs = (tokens / perSecond) * 1000;
  // All are open between the last start and the first end.
  const sampling = sampleMemory(server.pid, samples, { fromMs: openingMs + 500, untilMs: lifeMs - 250 });
  const outcomes = await openAll(server.port, { count: streams, tokens, rate: perSecond, spreadMs: openingMs });
  await sampling;
  await server.stop();
  const failures = outcomes.filter(outcome => outcome !== undefined);
  const openMb = median(samples);
  const kbPerStream = ((openMb - idleMb) * 1024) / streams;
  return { whole: streams - failures.length, failures: failures.slice(0, 5), idleMb, openMb, kbPerStream };
}

/** Why each stream failed, or `undefined` for one that was whole. */
async function openAll(
  port: number,
  { count, tokens, rate, spreadMs }: { count: number; tokens: number; rate: number; spreadMs: number },
): Promise<(string | undefined)[]> {
  const open = async (index: number): Promise<string | undefined> => {
    await delay((spreadMs / count) * index);
    const connection = new StreamConnection(port);
    try {
      await connection.ask({ id: `s${index}`, tokens, perSecond: rate });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      connection.close();
    }
  };
  return await Promise.all(Array.from({ length: count }, (_, index) => open(index)));
}

async function sampleMemory(
  pid: number,
  samples: number[],
  window: { fromMs: number; untilMs: number },
): Promise<void> {
  const startedAt = performance.now();
  await delay(window.fromMs);
  while (performance.now() - startedAt < window.untilMs) {
    samples.push(rssMb(pid));
    await delay(100);
  }
}

function judgeStreams(rounds: readonly Round[]): Result {
  const failures = rounds.flatMap(one => one.failures);
  const whole = Math.min(...rounds.map(one => one.whole));
  return {
    name: 'open-streams',
    measure: `${streams} open streams at ${perSecond} tokens/s`,
    bar: 'none cut or mixed',
    value: `${whole} whole`,
    spread: `${rounds.length} rounds`,
    passed: whole === streams,
    notes: failures,
    data: { rounds },
  };
}

function judgeMemory(rounds: ReadonlyArray<{ deci: Round; reference: Round }>): Result {
  const ratios = spreadOf(rounds.map(one => one.deci.kbPerStream / one.reference.kbPerStream));
  const describe = (name: string, side: Round[]): string =>
    `${name}: ${side.map(one => `${one.kbPerStream.toFixed(0)} kB (${one.idleMb.toFixed(0)} -> ${one.openMb.toFixed(0)} MB)`).join(', ')}`;
  return {
    name: 'open-streams-memory',
    measure: 'RSS per open stream',
    bar: `<= ${maxRatio.toFixed(2)} x pass-through`,
    value: `${ratios.median.toFixed(2)} x`,
    spread: spreadText(ratios, 2),
    passed: ratios.median <= maxRatio,
    notes: [
      describe(
        'deci',
        rounds.map(one => one.deci),
      ),
      describe(
        'pass-through',
        rounds.map(one => one.reference),
      ),
    ],
    data: { maxRatio, ratios, rounds },
  };
}
