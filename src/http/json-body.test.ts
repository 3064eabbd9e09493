import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJsonBody, withCanonicalKeys } from './json-body.ts';

const parse = (text: string) => parseJsonBody(Buffer.from(text));

test('an object is read, with whatever spaces stand around it', () => {
  assert.deepEqual(parse(' \r\n{"model":"m","nested":{"a":[1,"}"]}}\n'), { model: 'm', nested: { a: [1, '}'] } });
});

test('a body of nothing but spaces is missing', () => {
  for (const text of ['', ' ', '\r\n\t']) assert.throws(() => parse(text), { code: 'missing_body', status: 400 });
});

test('nothing behind the first object counts', () => {
  const expected = { a: '} \\" {', b: [{}] };
  const text = JSON.stringify(expected);
  for (const rest of ['garbage', ' {"a":2}', '\n]', '"', '\u0000'])
    assert.deepEqual(parse(text + rest), expected, rest);
});

test('text that is no JSON says what the parser says', () => {
  for (const text of ['{', '{"a":}', '{"a":1,}', "{'a':1}", 'garbage', '{"a":"', '1 {"a":1}', '}{']) {
    assert.throws(() => parse(text), { code: 'malformed_json', status: 400, message: /JSON/ }, text);
  }
});

test('JSON that is no object is refused with what it is', () => {
  const expected = { '[]': 'an array', null: 'null', '1': 'a number', '"x"': 'a string', true: 'a boolean' };
  for (const [text, kind] of Object.entries(expected)) {
    assert.throws(() => parse(text), { code: 'malformed_json', message: `expected a JSON object, got ${kind}` });
  }
});

test('bytes that are not UTF-8 become replacement characters, as in Go', () => {
  const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  assert.deepEqual(parseJsonBody(body), { a: '\ufffd' });
});

test('a member named __proto__ is data', () => {
  const body = parse('{"__proto__":{"polluted":true}}');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.deepEqual(Object.keys(withCanonicalKeys(body, new Set(['model']))), ['__proto__']);
});

test('deep nesting is read', () => {
  const depth = 5000;
  assert.doesNotThrow(() => parse(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}} trailing`));
});

test('known keys get their own spelling, unknown ones keep theirs', () => {
  const known = new Set(['model', 'stream']);
  assert.deepEqual(withCanonicalKeys({ Model: 'm', STREAM: false, Options: { Model: 1 } }, known), {
    model: 'm',
    stream: false,
    Options: { Model: 1 },
  });
});

test('the same object comes back when nothing had to change', () => {
  const body = { model: 'm', Other: 1 };
  assert.equal(withCanonicalKeys(body, new Set(['model'])), body);
});

test('of one key in two spellings the last counts, as in Go', () => {
  const known = new Set(['stream']);
  assert.deepEqual(withCanonicalKeys({ stream: true, Stream: false }, known), { stream: false });
  assert.deepEqual(withCanonicalKeys({ Stream: false, stream: true }, known), { stream: true });
});
