/** Workers that die of an error of their own: each leaves one report without a secret in it, ends promptly and is replaced, while the other serves. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CrashReport } from '../../src/crash/crash-report.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { evaluateIn } from '../faults/evaluate-in.ts';
import { runOutOfMemory } from '../faults/run-out-of-memory.ts';
import { ask, chat } from '../integration/wire.ts';
import { at } from '../support/keep-alive-load.ts';
import { nativeLines, openStream } from '../support/open-stream.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const planted = 'hunter22-and-some';
let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({
    env: { HEAP_LIMIT_MB: '200' },
    fakeOptions: { tokens: 200, tokenMs: 20, numParallel: 8 },
  });
});
after(() => cluster?.stop());

const dir = (): string => join(cluster.home, 'data', 'crash-reports');

function reports(): CrashReport[] {
  return readdirSync(dir())
    .filter(name => name.startsWith('crash-'))
    .map(name => JSON.parse(readFileSync(join(dir(), name), 'utf8')) as CrashReport);
}

const reportOf = (pid: number): CrashReport | undefined => reports().find(report => report.pid === pid);

/** While somebody asks all the time. @returns how many were not answered by the worker that lives */
async function whileServed(work: () => Promise<void>): Promise<number> {
  const state = { on: true, failed: 0 };
  const asking = (async () => {
    while (state.on) {
      const signal = AbortSignal.timeout(2000);
      const isWell = await fetch(`${cluster.url}/api/version`, { headers: { connection: 'close' }, signal }).then(
        async answer => (await answer.text()) !== '',
        () => false,
      );
      if (!isWell) state.failed++;
    }
  })();
  await work();
  state.on = false;
  await asking;
  return state.failed;
}

/** @returns a worker, and a stream that it is answering */
async function busyWorker() {
  const [worker] = await cluster.workers();
  assert.ok(worker !== undefined);
  const socketPath = join(cluster.runDir, `blue-${worker.pid}.sock`);
  const stream = await openStream(
    { ...at(cluster, '/api/chat'), socketPath },
    chat('what is asked is not in a report'),
  );
  await stream.first;
  return { pid: worker.pid, stream };
}

async function isReplaced(pid: number): Promise<void> {
  await until('two serve again', async () => {
    const workers = await cluster.workers();
    return workers.length === 2 && workers.every(worker => worker.pid !== pid && worker.state === 'ready');
  });
}

for (const [kind, code] of [
  [
    'uncaught_exception',
    `setImmediate(function breaks() { throw new RangeError('no room for password=${planted}') }); undefined`,
  ],
  [
    'unhandled_rejection',
    `void (async function rejects() { throw new RangeError('Bearer abcdefghijkl') })(); undefined`,
  ],
] as const) {
  test(`${kind}: one report, the streams end with an error, the worker is replaced`, async () => {
    const { pid, stream } = await busyWorker();
    const failed = await whileServed(async () => {
      await evaluateIn(pid, code);
      await until('it is gone', () => !isRunning(pid), 3000);
      await isReplaced(pid);
    });
    assert.ok(failed <= 2, `${failed} asked the one that died`);
    const end = await stream.ended;
    assert.equal(end.whole, true);
    assert.match(String(nativeLines(end.text).at(-1)?.error), /ended this answer before it was complete/);

    const report = reportOf(pid);
    assert.ok(report !== undefined);
    assert.deepEqual(
      [report.kind, report.count, report.source, report.cause.name],
      [kind, 1, 'deci-blue', 'RangeError'],
    );
    isComplete(report);
    await until('control tells it', () => cluster.logs().includes(`"fingerprint":"${report.fingerprint}"`));
  });
}

/** What helps whoever reads it, and nothing that he must not know. */
function isComplete(report: CrashReport): void {
  assert.match(report.cause.stack[0] ?? '', /breaks|rejects/);
  const [request] = report.in_flight ?? [];
  assert.deepEqual([request?.route, request?.phase], ['/api/chat', 'streaming']);
  assert.ok((report.memory['rss'] ?? 0) > 0 && report.last_lines.length > 0);
  const text = JSON.stringify(report);
  for (const secret of [planted, 'abcdefghijkl', cluster.key, 'what is asked'])
    assert.ok(!text.includes(secret), secret);
  assert.equal(statSync(join(dir(), `crash-${report.fingerprint}.json`)).mode & 0o777, 0o600);
}

test('a heap that is full: what the engine wrote becomes a report of ours, and doctor names it', async () => {
  const { pid } = await busyWorker();
  await runOutOfMemory(pid);
  await until('it is gone', () => !isRunning(pid), 20_000);
  await isReplaced(pid);
  await until('there is a report', () => reportOf(pid) !== undefined, 20_000);
  const report = reportOf(pid);
  assert.deepEqual([report?.kind, report?.source], ['fatal_error', 'deci-blue']);
  assert.match(report?.cause.message ?? '', /memory/i);
  assert.ok((report?.memory['heap_used'] ?? 0) > 50 * 1024 * 1024);
  assert.deepEqual(
    readdirSync(dir()).filter(name => name.startsWith('report.')),
    [],
  );
  assert.ok(!JSON.stringify(report).includes(cluster.home), 'nothing of where it lies');
  const doctor = await cluster.script(['scripts/doctor.ts']);
  assert.match(doctor.stdout, /crashes.*(?:memory|RangeError)/i);
  assert.match((await ask(cluster, '/metrics')).text, /^deci_crashes_total\{kind="fatal_error"\} 1$/m);
});

test('a warning of the process is logged and counted, and nothing more', async () => {
  const [worker] = await cluster.workers();
  assert.ok(worker !== undefined);
  await evaluateIn(worker.pid, `for (let time = 0; time < 3; time++) process.emitWarning('planted', 'PlantedWarning')`);
  await until('it is logged', () => cluster.logs().includes('"name":"PlantedWarning"'));
  await until('it is counted', async () =>
    (await ask(cluster, '/metrics')).text.includes('deci_process_warnings_total{name="PlantedWarning"} 3'),
  );
  assert.ok(isRunning(worker.pid));
});
