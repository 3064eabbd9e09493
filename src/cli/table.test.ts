import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, displayWidth, Table } from './table.ts';

const columns: readonly Column[] = [{ title: 'name' }, { title: 'used', align: 'right' }, { title: 'what' }];

function lines(rows: readonly (readonly string[])[], maxWidth?: number): string[] {
  const table = new Table(columns, rows, maxWidth);
  return [table.header(), ...rows.map(row => table.row(row))];
}

test('columns are as wide as their widest cell, numbers to the right, no blanks at the end', () => {
  assert.deepEqual(
    lines([
      ['breaker', '3', 'x'],
      ['a', '12', ''],
    ]),
    ['NAME     USED  WHAT', 'breaker     3  x', 'a          12'],
  );
});

test('wide characters, combining marks and emoji are counted in cells', () => {
  assert.deepEqual(
    ['世界', 'e\u0301', '🙂', '👩‍👩‍👧', '❤️', '한국', 'ｱ', ''].map(displayWidth),
    [4, 1, 2, 2, 2, 4, 1, 0],
  );
  const [header, wide, narrow] = lines([
    ['世界', '1', 'x'],
    ['abcd', '1', 'x'],
  ]);
  assert.equal(header?.indexOf('WHAT'), narrow?.indexOf('x'));
  assert.equal(displayWidth(wide ?? ''), displayWidth(narrow ?? ''));
});

test('on a narrow terminal the widest column gives way, and no line is longer than the terminal', () => {
  const rows = [
    ['breaker', '3', '世'.repeat(40)],
    ['a', '12', 'short'],
  ];
  for (const width of [40, 41, 60]) {
    const printed = lines(rows, width);
    for (const line of printed) assert.ok(displayWidth(line) <= width, line);
    assert.match(printed[1] ?? '', /^breaker .*世\.\.\.$/);
  }
});

test('where even that is too wide, the last columns are left out, and the others get their room; the first always stays', () => {
  const rows = [['a-long-name-of-it', '12', 'b-long-text-of-it']];
  assert.deepEqual(lines(rows, 36), ['NAME            USED  WHAT', 'a-long-name...    12  b-long-text...']);
  assert.deepEqual(lines(rows, 35), ['NAME               USED', 'a-long-name-of-it    12']);
  assert.deepEqual(lines(rows, 20), ['NAME            USED', 'a-long-name...    12']);
  assert.deepEqual(lines(rows, 1), ['NAME', 'a-long-name...']);
});

test('a column that is worthless when cut is never cut', () => {
  const table = new Table(
    [{ title: 'time', isWhole: true }, { title: 'x' }],
    [['2026-01-01T00:00:00Z', 'y'.repeat(40)]],
    40,
  );
  assert.equal(table.row(['2026-01-01T00:00:00Z', 'y'.repeat(40)]), `2026-01-01T00:00:00Z  ${'y'.repeat(15)}...`);
});

test('without a terminal nothing is cut', () => {
  assert.match(lines([['n', '1', 'x'.repeat(500)]]).at(-1) ?? '', /x{500}$/);
});

test('a cell cannot break its line or reach the terminal', () => {
  assert.deepEqual(lines([['a\nb', '\u001B[31m', '']]).length, 2);
  assert.doesNotMatch(lines([['a\nb', '\u001B[31m', '']]).join(''), /\p{Cc}/u);
});

test('a colour does not count as width', () => {
  const table = new Table([{ title: 'a', paint: cell => `<${cell}>` }, { title: 'b' }], [['xx', 'y']], 20);
  assert.deepEqual([table.header(), table.row(['xx', 'y'])], ['A   B', '<xx>  y']);
});
