import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnShortage } from './own-shortage.ts';

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

test('what this machine lacks is told from what the other side does, however it is wrapped', () => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']) {
    assert.equal(isOwnShortage(withCode(code)), true, code);
    assert.equal(isOwnShortage(new TypeError('fetch failed', { cause: withCode(code) })), true, code);
  }
  const [ours, theirs] = [withCode('EMFILE'), withCode('ECONNREFUSED')];
  assert.equal(isOwnShortage(new AggregateError([ours, ours])), true);
  for (const other of [theirs, new AggregateError([ours, theirs]), new AggregateError([]), 'EMFILE', undefined]) {
    assert.equal(isOwnShortage(other), false);
  }
});
