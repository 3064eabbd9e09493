import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsOf, type InjectedFault, type MatchedRecord, matchJournal } from './journal-match.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const fault = (from: number, to: number, over: Partial<InjectedFault> = {}): InjectedFault => ({
  healer: 'dead-leases',
  target: 'process 7',
  from: at(from),
  to: at(to),
  ...over,
});
const record = (second: number, over: Partial<MatchedRecord> = {}): MatchedRecord => ({
  id: String(second),
  time: at(second).toISOString(),
  healer: 'dead-leases',
  action: 'release_leases',
  target: 'process 7',
  result: 'healed',
  ...over,
});

test('each fault has its record, and nothing is left', () => {
  const faults = [fault(0, 10), fault(20, 30), fault(0, 30, { healer: 'breaker', target: /^gpu:/ })];
  const records = [record(21), record(1), record(5, { healer: 'breaker', target: 'gpu:11434' })];
  const match = matchJournal(faults, records);
  assert.deepEqual(complaintsOf(match), []);
  assert.deepEqual(match.matched.map(({ fault: one, record: { id } }) => [faults.indexOf(one), id]).toSorted(), [
    [0, '1'],
    [1, '21'],
    [2, '5'],
  ]);
});

test('a fault that nobody tells of is missing', () => {
  for (const records of [[], [record(11)], [record(5, { target: 'process 77' })], [record(5, { healer: 'breaker' })]]) {
    const { missing, extra } = matchJournal([fault(0, 10)], records);
    assert.equal(missing.length, 1);
    assert.equal(extra.length, records.length);
  }
});

test('a second record about one fault is extra: an episode is one record', () => {
  const { missing, extra } = matchJournal([fault(0, 10)], [record(1), record(2)]);
  assert.equal(missing.length, 0);
  assert.deepEqual(
    extra.map(({ id }) => id),
    ['2'],
  );
});

test('where records would do for several faults, they are dealt out so that none is missing', () => {
  // The first fault takes the only record of the second, and has to give it back.
  const { missing, extra } = matchJournal([fault(0, 30), fault(0, 10)], [record(5), record(20)]);
  assert.deepEqual([missing, extra], [[], []]);
  const chain = [fault(0, 30), fault(0, 20), fault(0, 10)];
  assert.deepEqual(complaintsOf(matchJournal(chain, [record(5), record(15), record(25)])), []);
});

test('an action may be part of what is asked for', () => {
  const both = [fault(0, 10, { action: 'open' }), fault(0, 10, { action: 'close' })];
  assert.deepEqual(
    complaintsOf(matchJournal(both, [record(2, { action: 'close' }), record(1, { action: 'open' })])),
    [],
  );
  assert.equal(matchJournal(both, [record(1, { action: 'open' }), record(2, { action: 'open' })]).missing.length, 1);
});

test('complaints say what is wrong, also of an episode that has no end', () => {
  const complaints = complaintsOf(
    matchJournal(
      [fault(0, 10), fault(0, 10, { target: 'process 8' })],
      [record(1, { result: null }), record(2, { healer: 'breaker', action: 'open', target: 'gpu' })],
    ),
  );
  assert.deepEqual(complaints, [
    'missing: dead-leases  process 8',
    `extra: ${at(2).toISOString()} breaker open gpu: healed`,
    'under way: dead-leases release_leases process 7',
  ]);
});
