import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealerMode } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import type { JournalRecord, Outcome } from '../journal/record.ts';
import { MemoryTeller } from './memory-teller.ts';

const shed = { value: 0.91, cause: 'live_heap' } as const;

function setUp() {
  let atMs = 0;
  let mode: HealerMode | 'suppressed' = 'on';
  const done: string[] = [];
  const records: Array<Pick<JournalRecord, 'action' | 'target'> & Partial<Outcome>> = [];
  const teller = new MemoryTeller({
    info: healerCatalogue['memory-guard'],
    licence: { may: () => mode, used: () => done.push('used') },
    journal: {
      open: async draft => {
        records.push({ action: draft.action, target: draft.target });
        done.push('record');
        return { ...draft, id: String(records.length - 1) } as JournalRecord;
      },
      complete: async ({ id }, { result, requests_affected }) => {
        Object.assign(records[Number(id)] ?? {}, { result, requests_affected });
      },
    },
    events: {
      healed: () => undefined,
      memoryCollected: () => undefined,
      memoryEnded: () => undefined,
      memoryRefused: () => undefined,
    },
    log: { warn: () => undefined, info: () => undefined },
    target: 'worker 7',
    shedAt: 0.9,
    acts: {
      shrink: isOn => done.push(isOn ? 'shrink' : 'grow'),
      endMostExpensive: () => done.push('end'),
      collectGarbage: () => done.push('collect'),
    },
    clock: () => atMs,
  });
  return {
    teller,
    done,
    records,
    at: (ms: number) => {
      atMs = ms;
    },
    set: (to: HealerMode | 'suppressed') => {
      mode = to;
    },
  };
}

test('an episode is one record, written before anything is done and completed when all is normal', async () => {
  const { teller, done, records } = setUp();
  assert.equal(await teller.apply('shrink', { ...shed, value: 0.86 }), false);
  assert.deepEqual(done, ['used', 'record', 'shrink']);
  assert.equal(await teller.apply('shed', shed), true);
  teller.refused('shed');
  teller.refused('shed');
  teller.refused('no_room');
  assert.deepEqual(records, [{ action: 'relieve', target: 'worker 7' }]);
  assert.equal(await teller.apply('normal', { ...shed, value: 0.5 }), false);
  assert.deepEqual(records, [{ action: 'relieve', target: 'worker 7', result: 'healed', requests_affected: 2 }]);
});

test('what begins anew within a minute is the same episode, later it is another', async () => {
  const { teller, records, at } = setUp();
  for (const begin of [0, 30_000, 80_000, 200_000]) {
    at(begin);
    await teller.apply('shed', shed);
    at(begin + 5000);
    await teller.apply('normal', shed);
  }
  assert.equal(records.length, 2);
});

test('at the end answers are ended once a second', async () => {
  const { teller, done, at } = setUp();
  for (const ms of [0, 250, 900, 1100]) {
    at(ms);
    assert.equal(await teller.apply('end', { ...shed, value: 0.97 }), true);
  }
  assert.equal(done.filter(each => each === 'end').length, 2);
});

test('a dry run and a budget that is used up are told once, and nothing is done', async () => {
  for (const mode of ['dry_run', 'suppressed'] as const) {
    const { teller, done, records, set, at } = setUp();
    set(mode);
    for (const ms of [0, 1000, 50_000, 100_000]) {
      at(ms);
      assert.equal(await teller.apply(ms % 2000 === 0 ? 'shed' : 'end', shed), false);
      assert.equal(await teller.collect('confirm'), false);
    }
    assert.deepEqual(
      records.map(({ result }) => result),
      [mode],
    );
    assert.ok(!done.includes('shrink') && !done.includes('end') && !done.includes('collect'));
  }
});

test('switched on in the middle of an episode, it writes its record before it acts', async () => {
  const { teller, done, records, set } = setUp();
  set('dry_run');
  await teller.apply('shed', shed);
  set('on');
  await teller.apply('end', shed);
  assert.deepEqual(done.slice(-4), ['used', 'record', 'shrink', 'end']);
  assert.deepEqual(
    records.map(({ result }) => result),
    ['dry_run', undefined],
  );
});

test('switched off it does and says nothing; switched off meanwhile it takes back what it did', async () => {
  const { teller, done, records, set } = setUp();
  set('off');
  assert.equal(await teller.apply('end', shed), false);
  assert.deepEqual([done.includes('shrink'), records.length], [false, 0]);
  set('on');
  await teller.apply('shed', shed);
  assert.equal(teller.isShedding, true);
  set('off');
  await teller.apply('end', shed);
  assert.deepEqual([teller.isShedding, done.at(-1)], [false, 'grow']);
});

test('collecting early is one record in ten minutes, and the record of a worker that leaves is closed', async () => {
  const { teller, records, at } = setUp();
  for (const ms of [0, 60_000, 120_000, 800_000]) {
    at(ms);
    assert.equal(await teller.collect('early'), true);
    assert.equal(await teller.collect('look'), true);
  }
  assert.deepEqual(
    records.map(({ action, result }) => [action, result]),
    [
      ['collect', 'healed'],
      ['collect', 'healed'],
    ],
  );
  await teller.apply('shed', shed);
  await teller.stop();
  assert.equal(records.at(-1)?.result, 'no_effect');
});
