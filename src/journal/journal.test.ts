import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal } from './journal.ts';
import type { JournalRecord, Outcome } from './record.ts';

function setUp() {
  const store = {
    away: false,
    /** Writes, and says that it does not know. */
    uncertain: false,
    refused: '',
    opened: new Map<string, JournalRecord>(),
    completed: new Map<string, Outcome>(),
    async open(record: JournalRecord): Promise<void> {
      if (store.away) throw new Error('disk full');
      if (store.refused === record.id) throw new Error('never');
      store.opened.set(record.id, record);
      if (store.uncertain) throw new Error('nobody knows');
    },
    async complete(id: string, outcome: Outcome): Promise<void> {
      if (store.away) throw new Error('disk full');
      assert.ok(store.opened.has(id));
      store.completed.set(id, outcome);
    },
    async countSince(): Promise<number> {
      if (store.away) throw new Error('disk full');
      return store.opened.size;
    },
  };
  const warnings: string[] = [];
  let count = 0;
  const journal = new Journal({
    store,
    now: () => new Date(1000),
    newId: () => `id-${++count}`,
    log: { warn: message => warnings.push(message) },
  });
  return { store, journal, warnings };
}

const draft = {
  healer: 'dead-leases',
  trigger: { signal: 'holder_gone', value: 1, threshold: 0 },
  decision: 'it is gone',
  action: 'release_leases',
  target: 'process 1',
  ids: [],
};
const healed: Outcome = { result: 'healed', duration_ms: 2, requests_affected: 1 };

test('a record is on disk, still open, before its action may begin, and completed after it', async () => {
  const { store, journal } = setUp();
  const record = await journal.open(draft);
  assert.deepEqual(store.opened.get(record.id), {
    ...draft,
    id: 'id-1',
    time: '1970-01-01T00:00:01.000Z',
    result: null,
    duration_ms: null,
    requests_affected: null,
  });
  await journal.complete(record, healed);
  assert.deepEqual(store.completed.get(record.id), healed);
});

test('what could not be written is told, and written with its outcome when the store is back', async () => {
  const { store, journal, warnings } = setUp();
  store.away = true;
  const record = await journal.open(draft);
  await journal.complete(record, healed);
  assert.deepEqual(warnings, ['the journal cannot be written']);
  await journal.flush();
  assert.equal(store.opened.size, 0);
  store.away = false;
  await journal.flush();
  assert.deepEqual([...store.opened.keys()], ['id-1']);
  assert.equal(store.opened.get('id-1')?.result, 'healed');
});

test('an outcome that could not be written follows when the store is back', async () => {
  const { store, journal } = setUp();
  const record = await journal.open(draft);
  store.away = true;
  await journal.complete(record, healed);
  store.away = false;
  await journal.flush();
  assert.equal(store.opened.get('id-1')?.result, 'healed');
});

test('a record of which nobody knows whether it was written keeps no other from being written', async () => {
  const { store, journal } = setUp();
  store.uncertain = true;
  const first = await journal.open(draft);
  store.uncertain = false;
  store.away = true;
  await journal.open(draft);
  store.away = false;
  await journal.flush();
  await journal.complete(first, healed);
  assert.deepEqual([...store.opened.keys()], ['id-1', 'id-2']);
  assert.deepEqual(store.completed.get('id-1'), healed);
});

test('a record that can never be written keeps no other from being written', async () => {
  const { store, journal } = setUp();
  store.refused = 'id-1';
  await journal.open(draft);
  store.away = true;
  await journal.open(draft);
  store.away = false;
  await journal.flush();
  await journal.flush();
  assert.deepEqual([...store.opened.keys()], ['id-2']);
});

test('what waits for the store is bounded, and the oldest goes first', async () => {
  const { store, journal } = setUp();
  store.away = true;
  for (let i = 0; i < 250; i++) await journal.open(draft);
  store.away = false;
  await journal.flush();
  assert.equal(store.opened.size, 200);
  assert.equal(store.opened.has('id-50'), false);
  assert.equal(store.opened.has('id-51'), true);
});

test('a store that is away cannot say how often somebody acted', async () => {
  const { store, journal } = setUp();
  assert.equal(await journal.countSince('dead-leases', new Date(0)), 0);
  store.away = true;
  assert.equal(await journal.countSince('dead-leases', new Date(0)), undefined);
});

test('an id that was promised is the one that the record has', async () => {
  const { store, journal } = setUp();
  assert.equal((await journal.open({ ...draft, id: 'promised' })).id, 'promised');
  assert.deepEqual([...store.opened.keys()], ['promised']);
});
