/** What looks like a secret, or is known to be one, does not get through; what one needs to find a fault does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact, redactText, secretsOf } from './redact.ts';

test('keys, tokens, passwords and cookies are taken out, wherever they stand', () => {
  for (const [text, secret] of [
    [`with x-api-key deci_${'0a'.repeat(32)} of`, '0a0a'],
    ['Authorization: Bearer abc.def-123456', 'abc.def'],
    ['authorization=Basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpwYXNz'],
    ['connect to http://admin:hunter22@10.0.0.1:11434/api', 'hunter22'],
    ['{"password": "hunter22"}', 'hunter22'],
    ['OPENAI_API_KEY=sk-proj-abcdefghijklmnop', 'abcdefghijklmnop'],
    ['cookie: session=s3cr3tvalue; path=/', 's3cr3tvalue'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', 'eyJzdWIi'],
    [`digest ${'9f'.repeat(20)}`, '9f9f9f'],
    ['-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----', 'MIIEvQ'],
  ] as const) {
    assert.ok(!redactText(text).includes(secret), redactText(text));
  }
});

test('what this process knows to be secret is taken out whatever it looks like', () => {
  const secrets = secretsOf({
    DB_PASSWORD: 'correct horse',
    TLS_KEY: 'battery staple',
    HOME: '/home/deci',
    TOKEN: 'abc',
  });
  assert.deepEqual(secrets, ['correct horse', 'battery staple']);
  assert.equal(redactText('said correct horse twice: correct horse', secrets), 'said [redacted] twice: [redacted]');
});

test('what tells where a fault is stays', () => {
  for (const text of [
    'TypeError: Cannot read properties of undefined (reading "model")',
    '    at HostInventory.update (src/ollama/host-inventory.ts:45:12)',
    'request req_59e8cc988d07b of llama3.2:latest, 2026-11-25T19:00:00.000Z',
    'http://127.0.0.1:11434/api/chat answered 500',
  ]) {
    assert.equal(redactText(text), text);
  }
});

test('a whole object: by the names of its members, at any depth, and without an end to it', () => {
  const own: Record<string, unknown> = {
    headers: { authorization: 'x', accept: '*/*' },
    list: ['Bearer abcdefgh'],
    n: 1,
  };
  assert.deepEqual(redact(own), {
    headers: { authorization: '[redacted]', accept: '*/*' },
    list: ['Bearer [redacted]'],
    n: 1,
  });
  own['self'] = own;
  assert.ok(JSON.stringify(redact(own)).length < 10_000);
});
