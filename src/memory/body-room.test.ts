import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRoom } from './body-room.ts';
import { mostExpensive } from './most-expensive.ts';

const mb = 1024 * 1024;
const limits = { heapBytes: 512 * mb, collectAtBytes: 400 * mb, shedAt: 0.9, rssBytes: 800 * mb };

test('bodies that were announced count before they are there', () => {
  const at = (announcedMb: number, usedMb = 60): boolean =>
    hasRoom({ usedBytes: usedMb * mb, externalBytes: 10 * mb, announcedBytes: announcedMb * mb }, limits);
  assert.equal(at(32), true);
  assert.equal(at(6 * 32), true);
  assert.equal(at(8 * 32), false);
  assert.equal(at(32, 460), false);
});

test('the answers that hold most end first, a tenth of them, and none that holds little', () => {
  const requests = Array.from({ length: 30 }, (_, index) => (index < 5 ? index + 1 : 0));
  assert.deepEqual(
    mostExpensive(requests, size => size * mb),
    [5, 4, 3],
  );
  assert.deepEqual(
    mostExpensive([2, 1], size => size * mb),
    [2],
  );
  assert.deepEqual(
    mostExpensive([2, 1], size => size * 1024),
    [],
  );
});
