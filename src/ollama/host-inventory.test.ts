import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionOf } from './host-condition.ts';
import { HostInventory } from './host-inventory.ts';
import { PrefixAffinity, prefixHash } from './prefix-affinity.ts';
import { RecentFailures } from './recent-failures.ts';

test('an inventory knows what its lists say, in the spelling of Ollama, and when they changed', () => {
  const inventory = new HostInventory();
  assert.equal(inventory.has('m:latest'), undefined);
  const tags = [
    { name: 'M:latest', digest: 'd1' },
    { name: 'reg.io/x/y:8b', digest: 'd2' },
    { digest: 'nameless' },
    null,
  ];
  assert.equal(inventory.update(tags, [{ name: 'M:latest' }]), true);
  assert.deepEqual(
    [inventory.has('m:latest'), inventory.has('reg.io/x/y:8b'), inventory.has('z:latest')],
    [true, true, false],
  );
  assert.deepEqual([inventory.isLoaded('m:latest'), inventory.isLoaded('reg.io/x/y:8b')], [true, false]);
  assert.equal(inventory.update(tags, [{ name: 'M:latest' }]), false);
  assert.equal(inventory.update(tags, []), true);
  assert.equal(inventory.update([{ name: 'M:latest', digest: 'other' }, tags[1]], []), true);
});

test('a first token means loaded; models that are being changed are not known', () => {
  const inventory = new HostInventory();
  inventory.update([{ name: 'm:latest', digest: 'd' }], []);
  inventory.noteLoaded('M');
  assert.equal(inventory.isLoaded('m:latest'), true);
  // A list of what is loaded that could not be had says nothing.
  inventory.update([{ name: 'm:latest', digest: 'd' }], undefined);
  assert.equal(inventory.isLoaded('m:latest'), true);
  inventory.forget();
  assert.equal(inventory.has('m:latest'), undefined);
});

test('what is no list has no models', () => {
  const inventory = new HostInventory();
  for (const wrong of [null, 'x', {}, [1]]) inventory.update(wrong, wrong);
  assert.deepEqual([inventory.models, inventory.has('m:latest')], [[], false]);
});

test('one failure is no pattern; two within 10 s are, until they are over', () => {
  const failures = new RecentFailures();
  failures.note(0);
  assert.equal(failures.isFailing(0), false);
  failures.note(9000);
  assert.equal(failures.isFailing(9000), true);
  assert.equal(failures.isFailing(10_000), false);
  failures.note(11_000);
  assert.equal(failures.isFailing(11_000), true);
});

test('the same beginning of a prompt is the same prefix, whatever stands before and far behind it', () => {
  const body = (before: string, text: string): string => `{"model":"m",${before}"messages":[{"content":"${text}"}]}`;
  const long = 'x'.repeat(600);
  const hash = prefixHash('m', body('', `${long} one`));
  assert.equal(prefixHash('m', Buffer.from(body('"stream":true,', `${long} two`))), hash);
  assert.notEqual(prefixHash('m', body('', `y${long}`)), hash);
  assert.notEqual(prefixHash('other', body('', `${long} one`)), hash);
});

test('affinity remembers the last host of a prefix, and forgets the oldest', () => {
  const affinity = new PrefixAffinity();
  affinity.note(1, 'a');
  affinity.note(1, 'b');
  assert.equal(affinity.hostOf(1), 'b');
  for (let prefix = 2; prefix < 2002; prefix++) affinity.note(prefix, 'a');
  assert.deepEqual([affinity.hostOf(1), affinity.hostOf(2)], [undefined, 'a']);
});

test('a host is told by what matters most about it', () => {
  const facts = {
    state: { is: 'up', version: '1', models: 1 },
    isDraining: false,
    loading: [],
    hasFreeSlot: true,
  } as const;
  const down = { is: 'down', reason: 'refused' } as const;
  assert.equal(conditionOf(facts).is, 'ready');
  assert.equal(conditionOf({ ...facts, hasFreeSlot: false }).is, 'busy');
  assert.deepEqual(conditionOf({ ...facts, hasFreeSlot: false, loading: ['m'] }), { is: 'loading', models: ['m'] });
  assert.deepEqual(conditionOf({ ...facts, state: down }), down);
  assert.equal(conditionOf({ ...facts, state: { is: 'unknown' } }).is, 'unknown');
  assert.equal(conditionOf({ ...facts, state: down, isDraining: true }).is, 'draining');
  assert.equal(conditionOf({ ...facts, state: { is: 'silent', reason: 'x' } }).is, 'wedged');
  const failing = { ...facts, leftAloneFor: 'upstream_broken' };
  assert.deepEqual(conditionOf(failing), { is: 'quarantined', reason: 'upstream_broken' });
  assert.equal(conditionOf({ ...facts, leftAloneFor: 'stall_timeout' }).is, 'wedged');
  assert.equal(conditionOf({ ...failing, state: down }).is, 'down');
});
