import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asObject,
  asObjectAt,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalStringArray,
  optionalStringOrArray,
  requiredArray,
  requiredInteger,
  requiredModel,
  requiredObject,
  requiredString,
} from './request-fields.ts';

test('null counts as absent for every reader', () => {
  const body = { a: null };
  for (const read of [
    optionalString,
    optionalBoolean,
    optionalNumber,
    optionalInteger,
    optionalObject,
    optionalStringArray,
  ]) {
    assert.equal(read(body, 'a'), undefined);
    assert.equal(read(body, 'b'), undefined);
  }
  assert.equal(optionalStringOrArray(body, 'a'), undefined);
});

test('values of the right type are returned as they are', () => {
  assert.equal(optionalString({ a: '' }, 'a'), '');
  assert.equal(optionalBoolean({ a: false }, 'a'), false);
  assert.equal(optionalNumber({ a: 0.5 }, 'a'), 0.5);
  assert.equal(optionalInteger({ a: -1 }, 'a'), -1);
  assert.deepEqual(optionalObject({ a: {} }, 'a'), {});
  assert.deepEqual(optionalStringArray({ a: ['x'] }, 'a'), ['x']);
  assert.deepEqual(optionalStringOrArray({ a: 'x' }, 'a'), ['x']);
  assert.deepEqual(requiredArray({ a: [1] }, 'a'), [1]);
});

test('a wrong type is refused with the name of the field and what was expected', () => {
  const refusal = (message: string, param: string) => ({ code: 'invalid_request', status: 400, message, param });
  assert.throws(
    () => optionalNumber({ temperature: '1' }, 'temperature'),
    refusal('temperature must be a number', 'temperature'),
  );
  assert.throws(() => optionalInteger({ n: 1.5 }, 'n'), refusal('n must be an integer', 'n'));
  assert.throws(() => optionalBoolean({ stream: 'yes' }, 'stream'), refusal('stream must be a boolean', 'stream'));
  assert.throws(() => optionalObject({ o: [] }, 'o'), refusal('o must be an object', 'o'));
  assert.throws(() => optionalStringArray({ s: ['a', 1] }, 's'), refusal('s[1] must be a string', 's[1]'));
  assert.throws(() => optionalStringOrArray({ stop: 1 }, 'stop'), refusal('stop must be an array', 'stop'));
  assert.throws(
    () => optionalString({ role: 1 }, 'role', 'messages[2].role'),
    refusal('messages[2].role must be a string', 'messages[2].role'),
  );
  assert.throws(() => asObjectAt(3, 'tools[0]'), refusal('tools[0] must be an object', 'tools[0]'));
});

test('an absent field that is needed is refused', () => {
  for (const read of [requiredString, requiredInteger, requiredObject, requiredArray]) {
    assert.throws(() => read({ a: null }, 'a'), { code: 'invalid_request', message: 'a is required', param: 'a' });
  }
});

test('a body that is no object is refused', () => {
  for (const body of [undefined, null, [], 'text', 3]) {
    assert.throws(() => asObject(body), { code: 'invalid_request' });
  }
});

test('a missing model is refused in the words of Ollama', () => {
  for (const body of [{}, { model: null }, { model: '' }]) {
    assert.throws(() => requiredModel(body), { code: 'invalid_request', message: 'model is required', param: 'model' });
  }
});
