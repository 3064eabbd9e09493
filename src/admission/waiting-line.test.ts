import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitingLine } from './waiting-line.ts';

interface Named {
  readonly name: string;
  readonly group: string;
}

function lineOf(...names: string[]): WaitingLine<Named> {
  const line = new WaitingLine<Named>();
  for (const name of names) line.add({ name, group: name.slice(0, 1) });
  return line;
}

/** Whom a round serves while so many of each group may be. */
function served(line: WaitingLine<Named>, free: Record<string, number>): string[] {
  const names: string[] = [];
  line.round(({ name, group }) => {
    if ((free[group] ?? 0) === 0) return false;
    free[group]!--;
    names.push(name);
    return true;
  });
  return names;
}

test('those of one group are served in order of arrival', () => {
  const line = lineOf('a1', 'a2', 'a3');
  assert.deepEqual(served(line, { a: 2 }), ['a1', 'a2']);
  assert.deepEqual(served(line, { a: 2 }), ['a3']);
  assert.equal(line.length, 0);
});

test('who waits for something else is not held up, and does not let anybody of his group overtake', () => {
  const line = lineOf('a1', 'b1', 'a2', 'b2');
  assert.deepEqual(served(line, { b: 1 }), ['b1']);
  assert.deepEqual(served(line, { a: 5, b: 5 }), ['a1', 'a2', 'b2']);
});

test('a group that was not served is not asked for again in the same round', () => {
  const line = lineOf('a1', 'a2', 'a3', 'b1');
  const asked: string[] = [];
  line.round(({ name }) => {
    asked.push(name);
    return false;
  });
  assert.deepEqual(asked, ['a1', 'b1']);
});

test('who leaves is not served, and can leave once', () => {
  const line = new WaitingLine<Named>();
  const waiter = { name: 'a1', group: 'a' };
  line.add(waiter);
  assert.equal(line.hasGroup('a'), true);
  assert.deepEqual([line.remove(waiter), line.remove(waiter)], [true, false]);
  assert.equal(line.hasGroup('a'), false);
  assert.deepEqual(served(line, { a: 1 }), []);
});
