import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { Authenticator, newKey } from './authenticator.ts';
import { isKey, readCredentials } from './credentials.ts';

const adminKey = newKey();

function code(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof DeciError);
    return error.code;
  }
  return 'no error';
}

test('a new key has the form of a key, and no two are alike', () => {
  assert.equal(isKey(newKey()), true);
  assert.notEqual(newKey(), newKey());
});

test('the admin key is admin, with and without a door for others', () => {
  for (const anonymousRole of [undefined, 'executor'] as const) {
    const principal = new Authenticator({ adminKey, anonymousRole }).authenticate(adminKey);
    assert.deepEqual([principal.id, principal.kind, principal.role], ['admin-key', 'key', 'admin']);
  }
});

test('where keys are required, nothing and anything else are refused, each with its code', () => {
  const door = new Authenticator({ adminKey, anonymousRole: undefined });
  assert.equal(
    code(() => door.authenticate(undefined)),
    'authentication_required',
  );
  for (const wrong of ['', 'unused', newKey(), adminKey.slice(0, -1), `${adminKey}0`, adminKey.toUpperCase()]) {
    assert.equal(
      code(() => door.authenticate(wrong)),
      'key_not_valid',
      wrong,
    );
  }
});

test('without a key one is local; the dummy keys that clients must send count for nothing', () => {
  const door = new Authenticator({ adminKey, anonymousRole: 'executor' });
  for (const dummy of [undefined, 'ollama', 'unused', 'sk-1234']) {
    const { id, kind, role } = door.authenticate(dummy);
    assert.deepEqual({ id, kind, role }, { id: 'local', kind: 'local', role: 'executor' });
  }
});

test('a wrong key of ours is refused even where no key is needed: its owner must not believe to be somebody', () => {
  const door = new Authenticator({ adminKey, anonymousRole: 'executor' });
  for (const wrong of [newKey(), 'deci_', adminKey.slice(0, 20)]) {
    assert.equal(
      code(() => door.authenticate(wrong)),
      'key_not_valid',
    );
  }
});

test('credentials are found in either header, and of two the one that could be ours', () => {
  assert.equal(readCredentials({}), undefined);
  assert.equal(readCredentials({ authorization: 'Bearer abc' }), 'abc');
  assert.equal(readCredentials({ authorization: 'bEARER  abc ' }), 'abc');
  assert.equal(readCredentials({ authorization: 'Basic abc' }), undefined);
  assert.equal(readCredentials({ 'x-api-key': 'abc' }), 'abc');
  assert.equal(readCredentials({ authorization: 'Bearer other', 'x-api-key': adminKey }), adminKey);
  assert.equal(readCredentials({ authorization: `Bearer ${adminKey}`, 'x-api-key': 'other' }), adminKey);
});
