import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject, parseObject } from './json.ts';

test('an object is read; whatever else the text holds is nothing', () => {
  assert.deepEqual(parseObject(' {"a":1} '), { a: 1 });
  for (const text of ['', ' ', '[]', 'null', '1', '"{}"', '{', '{"a":1} x', '<html>']) {
    assert.equal(parseObject(text), undefined, text);
  }
});

test('null and arrays are no objects', () => {
  assert.equal(isObject({}), true);
  for (const value of [null, [], undefined, 'x', 1]) assert.equal(isObject(value), false);
});
