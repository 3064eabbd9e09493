import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableJson } from './printable.ts';

test('what would act on a terminal is shown instead, and stays one line', () => {
  assert.equal(
    printable('a\u001B[2Jb\nc\td\r\u009B31m\u202Ee\u2028\u007F'),
    'a\\u001b[2Jb\\nc\\td\\r\\u009b31m\\u202ee\\u2028\\u007f',
  );
  assert.equal(printable('Grüße, 世界 🙂'), 'Grüße, 世界 🙂');
});

test('JSON keeps its value and loses its power', () => {
  const value = { 'k\u0085': 'a\u001B]0;x\u0007\u009C\u202E"\\' };
  const line = printableJson(value);
  assert.doesNotMatch(line, /[\p{Cc}\u202E]/u);
  assert.deepEqual(JSON.parse(line), value);
});
