import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onlyOne } from './only-one.ts';

test('while the shared store is away, and lets everybody, one at a time has the turn', () => {
  const turn = onlyOne(() => () => undefined);
  const first = turn();
  assert.ok(first !== undefined);
  assert.equal(turn(), undefined);
  first();
  const second = turn();
  assert.ok(second !== undefined);
  first();
  assert.equal(turn(), undefined, 'given back twice it is not free for two');
});

test('what another process has nobody gets here, and what was had goes back there', () => {
  let isElsewhere = true;
  const given: string[] = [];
  const turn = onlyOne(() => (isElsewhere ? undefined : () => void given.push('back')));
  assert.equal(turn(), undefined);
  isElsewhere = false;
  turn()?.();
  assert.deepEqual(given, ['back']);
});
