import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealerMode } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import type { JournalRecord, Outcome } from '../journal/record.ts';
import { LoadTeller } from './load-teller.ts';

const late = { utilisation: 0.6, delayMs: 1200 };
const busy = { utilisation: 0.99, delayMs: 20 };
const calm = { utilisation: 0.1, delayMs: 1 };

/** What several workers share. */
function createShared() {
  const records: Array<Pick<JournalRecord, 'target'> & { signal: string } & Partial<Outcome>> = [];
  let holder: number | undefined;
  let refused = 0;
  return {
    records,
    episodeOf: (worker: number) => ({
      hold: () => (holder ??= worker) === worker,
      letGo: () => {
        if (holder === worker) holder = undefined;
      },
      addRefused: (count: number) => (refused += count),
    }),
  };
}

function setUp(shared = createShared(), worker = 1) {
  const { records } = shared;
  let atMs = 0;
  let mode: HealerMode | 'suppressed' = 'on';
  let used = 0;
  const teller = new LoadTeller({
    info: healerCatalogue['load-shed'],
    licence: { may: () => mode, used: () => used++ },
    journal: {
      open: async draft => {
        records.push({ target: draft.target, signal: draft.trigger.signal });
        return { ...draft, id: String(records.length - 1) } as JournalRecord;
      },
      complete: async ({ id }, { result, requests_affected }) => {
        Object.assign(records[Number(id)] ?? {}, { result, requests_affected });
      },
    },
    events: { healed: () => undefined, loadShed: () => undefined },
    log: { warn: () => undefined, info: () => undefined },
    episode: shared.episodeOf(worker),
    delayLimitMs: 500,
    clock: () => atMs,
  });
  return {
    teller,
    records,
    used: () => used,
    at: (ms: number) => {
      atMs = ms;
    },
    set: (to: HealerMode | 'suppressed') => {
      mode = to;
    },
  };
}

test('an episode is one record, open while requests are refused, completed with their number', async () => {
  const { teller, records, used } = setUp();
  assert.equal(await teller.apply('background', late), 'background');
  assert.deepEqual(records, [{ target: 'workers', signal: 'loop_delay' }]);
  teller.refused('background');
  assert.equal(await teller.apply('batch', late), 'batch');
  teller.refused('batch');
  teller.refused('background');
  assert.equal(await teller.apply('lean', calm), 'lean');
  assert.deepEqual(records, [{ target: 'workers', signal: 'loop_delay', result: 'healed', requests_affected: 3 }]);
  assert.equal(used(), 1);
});

test('optional work alone that stops is no episode', async () => {
  const { teller, records } = setUp();
  assert.equal(await teller.apply('lean', busy), 'lean');
  assert.equal(await teller.apply('normal', calm), 'normal');
  assert.deepEqual(records, []);
});

test('a loop that is only busy is told as that', async () => {
  const { teller, records } = setUp();
  await teller.apply('background', busy);
  assert.deepEqual(
    records.map(({ signal }) => signal),
    ['loop_busy'],
  );
});

test('of several workers one tells, and counts what all have refused', async () => {
  const shared = createShared();
  const one = setUp(shared, 1);
  const other = setUp(shared, 2);
  assert.equal(await one.teller.apply('background', late), 'background');
  assert.equal(await other.teller.apply('background', late), 'background');
  one.teller.refused('background');
  for (let each = 0; each < 4; each++) other.teller.refused('background');
  await other.teller.apply('background', late);
  await one.teller.apply('normal', calm);
  await other.teller.apply('normal', calm);
  assert.deepEqual(shared.records, [
    { target: 'workers', signal: 'loop_delay', result: 'healed', requests_affected: 5 },
  ]);
});

test('what begins anew within a minute is the same episode, later it is another', async () => {
  const { teller, records, at } = setUp();
  for (const begin of [0, 30_000, 80_000, 200_000]) {
    at(begin);
    assert.equal(await teller.apply('background', late), 'background');
    at(begin + 5000);
    await teller.apply('normal', calm);
  }
  assert.equal(records.length, 2);
});

test('a dry run and a budget that is used up are told once, and nobody is refused', async () => {
  for (const mode of ['dry_run', 'suppressed'] as const) {
    const { teller, records, set, at, used } = setUp();
    set(mode);
    for (const ms of [0, 1000, 50_000, 100_000]) {
      at(ms);
      assert.equal(await teller.apply(ms === 1000 ? 'batch' : 'background', late), 'normal');
    }
    assert.deepEqual(
      records.map(({ result }) => result),
      [mode],
    );
    assert.equal(used(), 0);
  }
});

test('switched off nothing is done or told; switched off in the middle, its record is completed', async () => {
  const { teller, records, set } = setUp();
  set('off');
  assert.equal(await teller.apply('interactive', late), 'normal');
  assert.deepEqual(records, []);
  set('on');
  await teller.apply('interactive', late);
  set('off');
  assert.equal(await teller.apply('interactive', late), 'normal');
  assert.deepEqual(
    records.map(({ result }) => result),
    ['healed'],
  );
});

test('switched on in the middle of a dry run, it writes a record of what it does', async () => {
  const { teller, records, set } = setUp();
  set('dry_run');
  await teller.apply('background', late);
  set('on');
  assert.equal(await teller.apply('background', late), 'background');
  await teller.stop();
  assert.deepEqual(
    records.map(({ result }) => result),
    ['dry_run', 'no_effect'],
  );
});
