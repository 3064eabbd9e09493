import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeepAliveMs } from './duration.ts';

test('keep_alive takes seconds, Go durations, negatives for ever and null for nothing said', () => {
  const cases: [unknown, number | undefined][] = [
    [undefined, undefined],
    [null, undefined],
    [0, 0],
    [1.5, 1500],
    [-1, Number.POSITIVE_INFINITY],
    ['0', 0],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['250ms', 250],
    ['-1s', Number.POSITIVE_INFINITY],
  ];
  for (const [value, expected] of cases) assert.equal(parseKeepAliveMs(value), expected, JSON.stringify(value));
});

test('a malformed keep_alive is refused with the text of Go', () => {
  const cases: [unknown, string][] = [
    ['5', 'time: missing unit in duration "5"'],
    ['soon', 'time: invalid duration "soon"'],
    ['', 'time: invalid duration ""'],
    ['5x', 'time: unknown unit "x" in duration "5x"'],
    [true, "Unsupported type: 'bool'"],
    [[], "Unsupported type: '[]interface {}'"],
  ];
  for (const [value, message] of cases) assert.throws(() => parseKeepAliveMs(value), { status: 400, message });
});
