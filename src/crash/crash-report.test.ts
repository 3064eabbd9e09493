/** Reports of crashes: one for each fault, counted, without secrets, and never more than are kept. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CrashCollector } from './crash-collector.ts';
import { keepReport, maxReports, noteHandledLate, readReport, reportsIn } from './crash-folder.ts';
import { buildReport, type CrashReport, type CrashSurroundings, causeOf, fingerprintOf } from './crash-report.ts';
import { LastLines } from './last-lines.ts';
import { type ProcessWarning, ProcessWarnings } from './process-warnings.ts';

const around: CrashSurroundings = {
  version: '1.0.0',
  source: 'deci-blue',
  pid: 1,
  uptime_s: 3,
  in_flight: [],
  memory: { rss: 1 },
  event_loop: null,
  last_lines: [],
  handles: {},
};

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-crash-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const time = new Date('2026-11-25T10:00:00Z');

function reportOf(thrown: unknown, changes: Partial<CrashSurroundings> = {}, at = time): CrashReport {
  return buildReport({ kind: 'uncaught_exception', cause: causeOf(thrown), time: at }, { ...around, ...changes }, [
    'planted',
  ]);
}

function failing(words: string): Error {
  return new TypeError(words);
}

test('the same fault at the same place is one, whatever it says; another place is another one', () => {
  const [one, same] = ['a', 'b'].map(words => causeOf(failing(words)));
  assert.ok(one !== undefined && same !== undefined);
  assert.equal(fingerprintOf('uncaught_exception', one), fingerprintOf('uncaught_exception', same));
  assert.notEqual(fingerprintOf('uncaught_exception', one), fingerprintOf('unhandled_rejection', one));
  assert.notEqual(
    fingerprintOf('uncaught_exception', causeOf(new TypeError('a'))),
    fingerprintOf('uncaught_exception', one),
  );
  const bare = (text: string): string => fingerprintOf('unhandled_rejection', causeOf(text));
  assert.equal(bare('request 17 failed'), bare('request 18 failed'));
});

test('what is thrown may be anything', () => {
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  for (const thrown of [undefined, null, 1n, 'text', loop, Symbol('s')])
    assert.equal(typeof causeOf(thrown).message, 'string');
  assert.ok(causeOf(new Error('x'.repeat(100_000))).message.length < 1100);
});

test('a fault that strikes again is counted in its report, for its owner alone, with what it was the last time', t => {
  const dir = folder(t);
  const again = new Date('2026-11-25T11:00:00Z');
  const paths = [time, again].map(at => keepReport(dir, reportOf(failing('x'), { pid: at.getUTCHours() }, at)));
  assert.equal(paths[0], paths[1]);
  const report = readReport(paths[0] ?? '');
  assert.deepEqual(
    [report?.count, report?.first_time, report?.time, report?.pid],
    [2, time.toISOString(), again.toISOString(), 11],
  );
  assert.equal(statSync(paths[0] ?? '').mode & 0o777, 0o600);
  noteHandledLate(paths[0] ?? '');
  assert.equal(readReport(paths[0] ?? '')?.handled_late, true);
});

test('no secret is in it: none that looks like one, none that is known', t => {
  const error = new Error(`refused deci_${'a1'.repeat(32)} and planted`);
  const path = keepReport(
    folder(t),
    reportOf(error, { last_lines: ['{"authorization":"Bearer abcdefghij"}', 'planted'] }),
  );
  const text = readFileSync(path, 'utf8');
  for (const secret of ['a1a1', 'planted', 'abcdefghij']) assert.ok(!text.includes(secret), secret);
});

test('the newest are kept', t => {
  const dir = folder(t);
  for (let number = 0; number < maxReports + 5; number++) {
    const path = keepReport(dir, { ...reportOf('x'), fingerprint: String(number).padStart(12, '0') });
    utimesSync(path, number, number);
  }
  keepReport(dir, { ...reportOf('x'), fingerprint: 'f'.repeat(12) });
  const kept = reportsIn(dir);
  assert.deepEqual([kept.length, kept[0]?.fingerprint], [maxReports, 'f'.repeat(12)]);
  assert.equal(
    kept.some(({ fingerprint }) => fingerprint === '0'.repeat(12)),
    false,
  );
});

const raw = {
  header: {
    event: 'Allocation failed - JavaScript heap out of memory',
    trigger: 'OOMError',
    processId: 4242,
    dumpEventTimeStamp: String(time.getTime()),
    commandLine: ['node', '/home/somebody/src/main.ts'],
    cwd: '/home/somebody',
  },
  javascriptStack: { message: 'No stack.', stack: ['Unavailable.'] },
  nativeStack: [
    { pc: '0x1', symbol: 'node::OOMErrorHandler(char const*) [/home/somebody/node]' },
    { pc: '0x2', symbol: '' },
  ],
  javascriptHeap: { totalMemory: 5, usedMemory: 4, memoryLimit: 6, heapSpaces: { old_space: { used: 3 } } },
  resourceUsage: { rss: '7', maxRss: 8 },
  libuv: [{ type: 'tcp' }, { type: 'tcp' }, { type: 'timer' }],
  environmentVariables: { TOKEN: 'x' },
  sharedObjects: ['/lib/secret.so'],
};

test('what Node wrote of a process that ran out of memory becomes a report like the others, and is gone', t => {
  const dir = folder(t);
  const told: CrashReport[] = [];
  let isThere = true;
  const collector = new CrashCollector({
    dir,
    version: '1.0.0',
    secrets: [],
    isRunning: () => isThere,
    linesOf: pid => ({ source: 'deci-blue', lines: [`line of ${pid}`] }),
    onCrash: report => told.push(report),
    nowMs: Date.now,
  });
  writeFileSync(join(dir, 'report.20261125.1.json'), JSON.stringify(raw));
  writeFileSync(join(dir, 'report.20261125.2.json'), '{"header":');
  collector.look();
  assert.equal(told.length, 0, 'it is still being written');
  isThere = false;
  collector.look();
  const [report] = told;
  assert.deepEqual(report?.cause, {
    name: 'OOMError',
    message: raw.header.event,
    stack: ['node::OOMErrorHandler(char const*)'],
  });
  assert.deepEqual(
    [report?.kind, report?.source, report?.pid, report?.time, report?.in_flight, report?.last_lines],
    ['fatal_error', 'deci-blue', 4242, time.toISOString(), null, ['line of 4242']],
  );
  assert.deepEqual(report?.handles, { tcp: 2, timer: 1 });
  assert.deepEqual(report?.memory, {
    heap_total: 5,
    heap_used: 4,
    heap_limit: 6,
    rss: 7,
    rss_most: 8,
    heap_old_space: 3,
  });
  const text = readFileSync(join(dir, `crash-${report?.fingerprint}.json`), 'utf8');
  assert.ok(!/somebody|secret|TOKEN/.test(text), text);
  assert.deepEqual(
    readdirSync(dir).filter(name => name.startsWith('report.')),
    ['report.20261125.2.json'],
    'what may still be written',
  );
  utimesSync(join(dir, 'report.20261125.2.json'), 1, 1);
  collector.look();
  assert.deepEqual(
    readdirSync(dir).filter(name => name.startsWith('report.')),
    [],
  );
  assert.equal(told.length, 1);
});

test('each time a fault strikes is told once; what was told by an earlier control process is not', t => {
  const dir = folder(t);
  const old = keepReport(dir, { ...reportOf('old'), fingerprint: '0'.repeat(12) });
  utimesSync(old, 1, 1);
  const told: number[] = [];
  const collector = new CrashCollector({
    dir,
    version: '1.0.0',
    secrets: [],
    isRunning: () => false,
    linesOf: () => ({ source: 'deci-blue', lines: [] }),
    onCrash: ({ count }) => told.push(count),
    nowMs: Date.now,
  });
  collector.look();
  assert.deepEqual(told, []);
  for (let time_ = 0; time_ < 3; time_++) {
    keepReport(dir, reportOf(failing('new')));
    collector.look();
    collector.look();
  }
  keepReport(dir, { ...reportOf('old'), fingerprint: '0'.repeat(12) });
  collector.look();
  assert.deepEqual(told, [1, 2, 3, 2]);
});

test('the last lines are the last ones, in order, and bounded', () => {
  const lines = new LastLines();
  for (let number = 0; number < 100; number++) lines.add(`${number}${' '.repeat(5000)}`);
  const all = lines.all();
  assert.deepEqual([all.length, all[0]?.trim(), all.at(-1)?.trim()], [40, '60', '99']);
  assert.ok(all.every(line => line.length === 1000));
});

test('warnings are counted all, and told the first time and at each power of ten', async t => {
  const told: ProcessWarning[] = [];
  let counted = 0;
  const warnings = new ProcessWarnings({ onWarning: () => counted++, onNews: warning => told.push(warning) });
  await warnings.start();
  t.after(() => warnings.stop());
  // What Node prints of them is not for whoever reads the output of the tests.
  process.off('warning', process.listeners('warning')[0] as NodeJS.WarningListener);
  for (let time_ = 0; time_ < 25; time_++) process.emit('warning', failing('the same'));
  process.emit('warning', new RangeError('another'));
  assert.equal(counted, 26);
  assert.deepEqual(
    told.map(({ name, count }) => [name, count]),
    [
      ['TypeError', 1],
      ['TypeError', 10],
      ['RangeError', 1],
    ],
  );
});
