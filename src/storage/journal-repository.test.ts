import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ProcessIdentity, thisProcess } from '../kernel/process-identity.ts';
import { HealerSettingsRepository } from './healer-settings-repository.ts';
import { maxLooked } from './journal-query.ts';
import { type JournalRecord, JournalRepository } from './journal-repository.ts';
import { MainStore, type MainStoreOptions } from './main-store.ts';

const self = thisProcess();

async function openStore(t: TestContext, over: Partial<MainStoreOptions> = {}): Promise<MainStore> {
  const dataDir = mkdtempSync(join(tmpdir(), 'deci-journal-'));
  const store = new MainStore({ dataDir, onStateChange: () => undefined, onSlow: () => undefined, ...over });
  t.after(async () => {
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await store.start();
  return store;
}

function record(id: string, over: Partial<JournalRecord> = {}): JournalRecord {
  return {
    id,
    time: `2026-11-21T12:00:${id.padStart(2, '0')}.000Z`,
    healer: 'breaker',
    trigger: { signal: 'errors', value: 0.5, threshold: 0.25 },
    decision: 'open the breaker',
    action: 'open',
    target: 'http://127.0.0.1:11434',
    result: null,
    duration_ms: null,
    requests_affected: null,
    ids: ['request-1', 'trace-2'],
    ...over,
  };
}

async function filled(t: TestContext, count: number): Promise<JournalRepository> {
  const journal = new JournalRepository(await openStore(t), self);
  for (let i = 1; i <= count; i++) {
    await journal.open(record(String(i).padStart(2, '0'), { healer: i % 2 === 0 ? 'even' : 'odd' }));
  }
  return journal;
}

const idsOf = ({ records }: { records: readonly JournalRecord[] }): string[] => records.map(({ id }) => id);
const healed = { result: 'healed', duration_ms: 12.5, requests_affected: 3 } as const;

test('a record comes back as it was opened, and complete once it is completed', async t => {
  const journal = new JournalRepository(await openStore(t), self);
  const opened = record('01', { trigger: { signal: 'state', value: 'down', threshold: null } });
  await journal.open(opened);
  assert.deepEqual((await journal.list({ limit: 9 })).records, [opened]);
  assert.equal(await journal.complete('01', healed), true);
  assert.deepEqual((await journal.list({ limit: 9 })).records, [{ ...opened, ...healed }]);
});

test('a record is completed once', async t => {
  const journal = await filled(t, 1);
  assert.equal(await journal.complete('01', healed), true);
  assert.equal(await journal.complete('01', { ...healed, result: 'worse' }), false);
  assert.equal((await journal.list({ limit: 9 })).records[0]?.result, 'healed');
  assert.equal(await journal.complete('none', healed), false);
});

test('opening a record once more changes nothing but completes it, and what is complete stays as it is', async t => {
  const journal = new JournalRepository(await openStore(t), self);
  await journal.open(record('01'));
  await journal.open(record('01'));
  assert.deepEqual((await journal.list({ limit: 9 })).records, [record('01')]);
  await journal.open(record('01', healed));
  assert.deepEqual((await journal.list({ limit: 9 })).records, [record('01', healed)]);
  await journal.open(record('01'));
  await journal.open(record('01', { ...healed, result: 'worse' }));
  assert.deepEqual((await journal.list({ limit: 9 })).records, [record('01', healed)]);
});

/** Everything that the repository asks of the store. */
async function everyStatement(journal: JournalRepository): Promise<void> {
  await journal.open(record('01'));
  for (const healer of [{}, { healer: 'breaker' }]) {
    for (const edge of [{}, { before: '02' }, { after: '00' }]) {
      await journal.list({ limit: 9, ...edge, ...healer });
      await journal.list({ limit: 9, ...edge, ...healer, since: '2026', until: '2027' });
      await journal.list({ limit: 9, ...edge, ...healer, result: 'worse', target: 'x', since: '2026' });
    }
  }
  await journal.leftOpen(() => true);
  await journal.countSince('breaker', '2026');
  await journal.summary('2026');
  await journal.complete('01', healed);
  await journal.prune('2026');
}

/** Never told what the table holds, and told: the planner must not depend on it. */
const figures = ['', 'ANALYZE'];

for (const [i, analyze] of figures.entries()) {
  test(`no statement reads through the journal or sorts it, ${i === 0 ? 'without' : 'with'} statistics`, async t => {
    const asked = new Set<string>();
    const store = await openStore(t, { slowMs: -1, onSlow: ({ sql }) => asked.add(sql) });
    const journal = new JournalRepository(store, self);
    for (let j = 0; j < 300; j++) await journal.open(record(`9${j}`, j % 50 === 0 ? {} : healed));
    if (analyze !== '') await store.write(analyze);
    asked.clear();
    await everyStatement(journal);
    assert.equal(asked.size, 31);
    for (const sql of [...asked].filter(text => !text.startsWith('INSERT'))) {
      const plan = store.all(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => String(detail));
      assert.ok(plan.length > 0, sql);
      for (const step of plan) assert.doesNotMatch(step, /TEMP B-TREE|SCAN journal/, `${sql}: ${plan.join('; ')}`);
    }
  });
}

test('records are told newest first, page by page', async t => {
  const journal = await filled(t, 5);
  const first = await journal.list({ limit: 2 });
  assert.deepEqual([idsOf(first), first.hasMore], [['05', '04'], true]);
  const second = await journal.list({ limit: 2, before: '04' });
  assert.deepEqual([idsOf(second), second.hasMore], [['03', '02'], true]);
  const last = await journal.list({ limit: 2, before: '02' });
  assert.deepEqual([idsOf(last), last.hasMore], [['01'], false]);
  assert.deepEqual(idsOf(await journal.list({ limit: 10, healer: 'even' })), ['04', '02']);
});

test('a follower gets what is newer, oldest first', async t => {
  const journal = await filled(t, 5);
  assert.deepEqual(idsOf(await journal.list({ limit: 2, after: '02' })), ['03', '04']);
  assert.deepEqual(idsOf(await journal.list({ limit: 9, after: '02', healer: 'odd' })), ['03', '05']);
  assert.deepEqual(idsOf(await journal.list({ limit: 9, after: '05' })), []);
});

test('a follower misses no record whose id was made before the last one it saw', async t => {
  const journal = new JournalRepository(await openStore(t), self);
  await journal.open(record('05'));
  await journal.open(record('04'));
  assert.deepEqual(idsOf(await journal.list({ limit: 9, after: '05' })), ['04']);
});

test('a page may begin at a record that has been pruned since', async t => {
  const journal = await filled(t, 5);
  for (const id of ['01', '02', '03', '04', '05']) await journal.complete(id, healed);
  assert.equal(await journal.prune('2026-11-21T12:00:04.000Z'), 3);
  assert.deepEqual(idsOf(await journal.list({ limit: 9, after: '02' })), ['04', '05']);
  assert.deepEqual(idsOf(await journal.list({ limit: 9, before: '02' })), []);
  assert.deepEqual(idsOf(await journal.list({ limit: 9, before: '99' })), ['05', '04']);
});

test('pruning leaves what is still under way', async t => {
  const journal = await filled(t, 3);
  await journal.complete('01', healed);
  assert.equal(await journal.prune('2027-01-01T00:00:00.000Z'), 1);
  assert.deepEqual(idsOf(await journal.list({ limit: 9 })), ['03', '02']);
});

test('a limit is kept within 1 and 500', async t => {
  const journal = await filled(t, 2);
  assert.equal((await journal.list({ limit: 0 })).records.length, 1);
  assert.equal((await journal.list({ limit: 1e9 })).records.length, 2);
});

test('what a dead process left open is found, what the living have open is not', async t => {
  const store = await openStore(t);
  const dead: ProcessIdentity = { pid: 99_999_999, start: '1' };
  const departed = new JournalRepository(store, dead);
  await departed.open(record('01'));
  await departed.open(record('02', healed));
  const journal = new JournalRepository(store, self);
  await journal.open(record('03'));
  const left = await journal.leftOpen(holder => holder.pid !== dead.pid);
  assert.deepEqual(
    left.map(({ id }) => id),
    ['01'],
  );
});

test('a budget counts actions, also those under way, and neither what was suppressed nor a dry run', async t => {
  const journal = new JournalRepository(await openStore(t), self);
  await journal.open(record('01'));
  await journal.open(record('02', healed));
  await journal.open(record('03', { result: 'suppressed' }));
  await journal.open(record('04', { result: 'dry_run' }));
  await journal.open(record('05', { healer: 'other' }));
  assert.equal(await journal.countSince('breaker', '2026-11-21T12:00:00.000Z'), 2);
  assert.equal(await journal.countSince('breaker', '2026-11-21T12:00:02.000Z'), 1);
});

test('a healer has the mode that was set last; nobody has one before it is set', async t => {
  const settings = new HealerSettingsRepository(await openStore(t));
  assert.deepEqual(await settings.all(), new Map());
  await settings.set('breaker', 'dry_run', 'admin', '2026-11-21T12:00:00.000Z');
  await settings.set('leases', 'off', 'admin', '2026-11-21T12:00:00.000Z');
  await settings.set('breaker', 'on', 'admin', '2026-11-21T12:00:01.000Z');
  assert.deepEqual(
    await settings.all(),
    new Map([
      ['breaker', 'on'],
      ['leases', 'off'],
    ]),
  );
});

/** One a second; of three targets in turn, every fifth worse, the last one under way. */
async function varied(t: TestContext, count: number): Promise<JournalRepository> {
  const journal = new JournalRepository(await openStore(t), self);
  for (let i = 1; i <= count; i++) {
    const target = ['worker 7', 'worker 77', 'gpu:11434 llama3.2'][i % 3]!;
    const outcome = i === count ? {} : { ...healed, result: i % 5 === 0 ? ('worse' as const) : ('healed' as const) };
    await journal.open(record(String(i).padStart(2, '0'), { target, ...outcome }));
  }
  return journal;
}

test('records are found by result, by whole words of their target, and by time', async t => {
  const journal = await varied(t, 12);
  const found = async (filters: Omit<Parameters<typeof journal.list>[0], 'limit'>): Promise<string[]> =>
    idsOf(await journal.list({ limit: 99, ...filters }));
  assert.deepEqual(await found({ result: 'worse' }), ['10', '05']);
  assert.deepEqual(await found({ result: 'pending' }), ['12']);
  assert.deepEqual(await found({ target: 'worker 7' }), ['12', '09', '06', '03']);
  assert.deepEqual(await found({ target: 'gpu:11434' }), ['11', '08', '05', '02']);
  assert.deepEqual(await found({ target: 'gpu:1143' }), []);
  const at = (second: string): string => `2026-11-21T12:00:${second}.000Z`;
  assert.deepEqual(await found({ since: at('10') }), ['12', '11', '10']);
  assert.deepEqual(await found({ until: at('02') }), ['02', '01']);
  assert.deepEqual(await found({ since: at('03'), until: at('05') }), ['05', '04', '03']);
  assert.deepEqual(await found({ since: at('05'), result: 'worse', target: 'llama3.2', until: at('09') }), ['05']);
  assert.deepEqual(await found({ since: at('13') }), []);
  assert.deepEqual(await found({ after: '04', result: 'worse' }), ['05', '10']);
});

test('a record that was written later than its time says is found by its time', async t => {
  const journal = new JournalRepository(await openStore(t), self);
  const time = (second: string): string => `2026-11-21T12:00:${second}.000Z`;
  for (const [id, second] of [
    ['01', '30'],
    ['02', '10'],
    ['03', '31'],
  ] as const) {
    await journal.open(record(id, { time: time(second) }));
  }
  assert.deepEqual(idsOf(await journal.list({ limit: 9, since: time('10') })), ['03', '02', '01']);
  assert.deepEqual(idsOf(await journal.list({ limit: 9, since: time('30') })), ['03', '01']);
  assert.deepEqual(idsOf(await journal.list({ limit: 9, until: time('30') })), ['02', '01']);
});

test('a page of what is rare stops looking, and the next one goes on from there', async t => {
  const store = await openStore(t);
  const journal = new JournalRepository(store, self);
  await journal.open(record('AA', { target: 'rare' }));
  await store.write(
    `INSERT INTO journal (id, time, healer, signal, decision, action, target, result, ids, holder_pid, holder_start)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${maxLooked + 5})
     SELECT printf('B%07d', i), '2026-11-21T13:00:00.000Z', 'breaker', 'x', 'x', 'x', 'common', 'healed', '[]', 1, '1' FROM n`,
  );
  const first = await journal.list({ limit: 5, target: 'rare' });
  assert.deepEqual([idsOf(first), first.hasMore, first.lookedTo], [[], true, 'B0000006']);
  const second = await journal.list({ limit: 5, target: 'rare', before: first.lookedTo ?? '' });
  assert.deepEqual([idsOf(second), second.hasMore], [['AA'], false]);
});
