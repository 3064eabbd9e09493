import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldedName, repeatsMember } from './json-members.ts';

const none: ReadonlySet<string> = new Set();

test('names are folded as Go folds them', () => {
  assert.deepEqual(['Options', 'option\u017f', '\u212aeep_alive'].map(foldedName), [
    'options',
    'options',
    'keep_alive',
  ]);
});

for (const [text, repeats] of [
  ['{"a":1,"b":2}', false],
  ['{"a":1,"A" :2}', true],
  ['{"a":"a\\\\","b":"\\"a\\":"}', false],
  ['{"a":"x\\\\\\"","b":{"a":1,"a":2},"c":[{"a":1},"a"]}', false],
  ['{"a":1,"\\u0061":2}', true],
  ['{"a":1} {"a":2}', false],
  [' {}', false],
] as const) {
  test(`${text} ${repeats ? 'repeats a member' : 'repeats none'}`, () =>
    assert.equal(repeatsMember(text, none), repeats));
}

test('some may be there twice', () => {
  assert.equal(repeatsMember('{"a":1,"A":2}', new Set(['a'])), false);
});
