/**
 * `npm run soak`: a whole cluster under mixed load for as long as one likes, and whether its workers grow: their live heap, what they
 * have of the machine's memory, their open files. The report is in `reports/soak/`. Exit codes: 0 nothing grows, 1 something does or
 * a request failed that should not, 2 usage.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { askSocket } from '../../src/kernel/socket-request.ts';
import { checkout, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { startMixedLoad } from './mixed-load.ts';
import { grows, type Point, type Trend, trendOf } from './trend.ts';

const usage = `Usage: npm run soak -- [--minutes 30] [--clients 12] [--every 5]
  --minutes  how long; 1440 is a day
  --clients  that ask at the same time
  --every    seconds between two looks`;

/** In MB, and in open files. What grows by less is no matter. */
const leastGrowth = { live_mb: 4, rss_mb: 12, files: 6 } as const;
type Measure = keyof typeof leastGrowth;
const measures = Object.keys(leastGrowth) as Measure[];
/** Caches fill and code is compiled in the first part of it. */
const warmUpPart = 0.3;

interface Look {
  readonly atMs: number;
  readonly pid: number;
  readonly values: Readonly<Record<Measure, number>>;
}

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string' },
    clients: { type: 'string' },
    every: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const minutes = Number(flags.minutes ?? 30);
const clients = Number(flags.clients ?? 12);
const everySeconds = Number(flags.every ?? 5);
if (flags.help === true || ![minutes, clients, everySeconds].every(number => Number.isFinite(number) && number > 0)) {
  console.log(usage);
  process.exit(flags.help === true ? 0 : 2);
}

const cluster = await startCluster({
  env: { RECYCLE_AT: 'off', CACHE_MAX_MB: '16', CACHE_MAX_ENTRIES: '500' },
  fakeOptions: { tokens: 20, tokenMs: 5, numParallel: 64, recordRequests: 0 },
});
try {
  process.exitCode = await soak(cluster);
} finally {
  await cluster.stop();
}

async function soak(one: TestCluster): Promise<number> {
  const startedAt = new Date();
  const load = startMixedLoad(one, clients);
  const looks: Look[] = [];
  const endAtMs = Date.now() + minutes * 60_000;
  while (Date.now() < endAtMs) {
    await pause(everySeconds * 1000);
    for (const { pid } of await one.workers()) looks.push(await look(one, pid));
  }
  const result = await load.stop();
  const rows = rowsOf(looks);
  const report = { started_at: startedAt.toISOString(), minutes, clients, ...result, rows };
  const isWell =
    rows.every(row => !row.grows) && result.failures.length === 0 && new Set(looks.map(({ pid }) => pid)).size === 2;
  write(report, isWell);
  return isWell ? 0 : 1;
}

async function look({ runDir }: TestCluster, pid: number): Promise<Look> {
  const { text } = await askSocket({
    socketPath: join(runDir, `blue-${pid}.sock`),
    method: 'GET',
    path: '/state',
    timeoutMs: 5000,
  });
  const { memory } = JSON.parse(text) as { memory: { live_mb: number; rss_mb: number } };
  const files = readdirSync(`/proc/${pid}/fd`).length;
  return { atMs: Date.now(), pid, values: { live_mb: memory.live_mb, rss_mb: memory.rss_mb, files } };
}

interface Row extends Trend {
  readonly pid: number;
  readonly measure: Measure;
  readonly first: number;
  readonly last: number;
  readonly grows: boolean;
}

function rowsOf(looks: readonly Look[]): Row[] {
  const pids = [...new Set(looks.map(({ pid }) => pid))];
  return pids.flatMap(pid =>
    measures.map(measure => {
      const points: Point[] = looks
        .filter(one => one.pid === pid)
        .map(({ atMs, values }) => ({ atMs, value: values[measure] }));
      const steady = points.slice(Math.floor(points.length * warmUpPart));
      const trend = trendOf(steady);
      const [first, last] = [steady[0]?.value ?? 0, steady.at(-1)?.value ?? 0];
      return { pid, measure, first, last, ...trend, grows: grows(trend, leastGrowth[measure]) };
    }),
  );
}

function write(report: { readonly started_at: string; readonly rows: readonly Row[] } & object, isWell: boolean): void {
  const dir = join(checkout, 'reports', 'soak');
  mkdirSync(dir, { recursive: true });
  const path = join(dir, report.started_at.replaceAll(':', '-'));
  writeFileSync(`${path}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  const lines = report.rows.map(
    ({ pid, measure, first, last, slopePerHour, z, scatter, grows: isGrowing }) =>
      `| ${pid} | ${measure} | ${first} | ${last} | ${slopePerHour.toFixed(2)} | ${z.toFixed(2)} | ${scatter.toFixed(2)} | ${isGrowing ? 'grows' : 'steady'} |`,
  );
  const head = [
    '| worker | measure | first | last | slope per hour | z | scatter | |',
    '|---|---|---|---|---|---|---|---|',
  ];
  const { rows: _, ...facts } = report;
  const text = ['# Soak', '', '```json', JSON.stringify(facts, undefined, 2), '```', '', ...head, ...lines, ''].join(
    '\n',
  );
  writeFileSync(`${path}.md`, text);
  console.log(text);
  console.log(isWell ? 'Nothing grows.' : 'Not well: see the table and the failures.');
}
