import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeyedRequest, requestKey } from './request-key.ts';

const messages = [{ role: 'user', content: 'why?' }];
const base = { model: 'm', messages };

type Extra = Partial<Pick<KeyedRequest, 'tenant' | 'owner' | 'path' | 'model' | 'variant' | 'hosts'>>;

function keyed(request: object, extra: Extra = {}) {
  return requestKey({ tenant: 'a', path: '/api/chat', model: 'm', body: JSON.stringify(request), ...extra });
}
const keyOf = (...args: Parameters<typeof keyed>): string | undefined => keyed(...args)?.key;

test('how an answer travels is not in its key', () => {
  const key = keyOf(base);
  assert.ok(key !== undefined);
  for (const same of [
    { ...base, stream: false },
    { ...base, Stream: true, keep_alive: '5m' },
    { messages, model: 'm' },
    { ...base, options: {} },
    { ...base, format: null },
    { MODEL: 'm', Messages: messages },
  ]) {
    assert.equal(keyOf(same), key, JSON.stringify(same));
  }
  assert.equal(
    keyOf({ ...base, options: { seed: 1, top_k: 2 } }),
    keyOf({ ...base, options: { top_k: 2, seed: 1.0 } }),
  );
});

test('everything that can change the answer is in its key', () => {
  const schema = { type: 'object', properties: { a: {}, b: {} } };
  const keys = [
    base,
    { ...base, messages: [{ role: 'user', content: 'why' }] },
    { ...base, messages: [{ role: 'system', content: 'why?' }] },
    { ...base, messages: [{ ...messages[0], images: ['aGk='] }] },
    { ...base, messages: [{ ...messages[0], images: ['aGo='] }] },
    { ...base, options: { seed: 1 } },
    { ...base, options: { seed: 2 } },
    { ...base, options: { num_ctx: 1 } },
    { ...base, format: 'json' },
    { ...base, format: schema },
    { ...base, format: { type: 'object', properties: { b: {}, a: {} } } },
    { ...base, tools: [{ type: 'function' }] },
    { ...base, think: false },
    { ...base, think: 'low' },
    { ...base, logprobs: true },
    { ...base, truncate: false },
  ].map(request => keyOf(request));
  assert.ok(!keys.includes(undefined));
  assert.equal(new Set(keys).size, keys.length);
  const others = [keyOf(base, { tenant: 'b' }), keyOf(base, { model: 'n' }), keyOf(base, { variant: 1 }), keyOf(base)];
  assert.equal(new Set(others).size, 4);
  const prompt = { prompt: 'p' };
  const generate = { path: '/api/generate' };
  const asked = [{}, { system: 's' }, { template: 't' }, { raw: true }, { suffix: 's' }, { context: [1] }];
  assert.equal(new Set(asked.map(more => keyOf({ ...prompt, ...more }, generate))).size, asked.length);
});

test('the same question to other hosts is another one, in whatever order they are named', () => {
  const at = (hosts?: readonly string[]) => keyOf(base, { hosts });
  const keys = [at(), at([]), at(['a:1']), at(['b:1']), at(['a:1', 'b:1']), at(['a:1,b:1'])];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(at(['b:1', 'a:1']), at(['a:1', 'b:1', 'a:1']));
});

test('a tenant cannot be spelled into the key of another', () => {
  const split = (tenant: string, model: string) => keyOf(base, { tenant, model });
  assert.notEqual(split('a', '","m'), split('a","', 'm'));
});

test('deterministic is a temperature of zero, a seed, or an embedding', () => {
  const isFixed = (options: object) => keyed({ ...base, options })?.deterministic;
  assert.equal(isFixed({ temperature: 0 }), true);
  assert.equal(isFixed({ seed: 0 }), true);
  assert.equal(isFixed({ seed: 5, temperature: 1 }), true);
  for (const options of [{}, { temperature: 0.1 }, { seed: -1 }, { temperature: '0' }, { seed: null }]) {
    assert.equal(isFixed(options), false, JSON.stringify(options));
  }
  assert.equal(keyed({ input: 'x' }, { path: '/api/embed' })?.deterministic, true);
  assert.equal(keyed({ prompt: 'x' }, { path: '/api/embeddings' })?.deterministic, true);
});

test('what only loads or unloads a model has no key', () => {
  for (const [path, request] of [
    ['/api/chat', { model: 'm' }],
    ['/api/chat', { model: 'm', messages: [] }],
    ['/api/generate', { model: 'm', prompt: '' }],
    ['/api/generate', { model: 'm', keep_alive: 0 }],
    ['/api/embed', { model: 'm', input: [] }],
  ] as const) {
    assert.equal(keyed(request, { path }), undefined, path);
  }
});

test('a request that others may read in another way has no key', () => {
  const key = (text: string) => requestKey({ tenant: 'a', path: '/api/chat', model: 'm', body: text });
  const rest = '"messages":[{"role":"user","content":"why?"}]';
  assert.equal(key(`{${rest},"options":{"temperature":0},"Options":{"temperature":1}}`), undefined);
  assert.equal(key(`{${rest},"options":{"seed":9007199254740993}}`), undefined);
  assert.equal(key(`{${rest},"tools":[{"x":12345678901234567890}]}`), undefined);
  assert.ok(key(`{${rest.replace('why?', '1234567890123456789')}}`));
  assert.equal(key('[]'), undefined);
  assert.equal(key(`{${rest},"tools":${'['.repeat(500)}1e30${']'.repeat(500)}}`), undefined);
});

test('what has a member twice is not kept, for the model server may have read both', () => {
  const key = (body: string): unknown => requestKey({ tenant: 'a', path: '/api/chat', model: 'm', body });
  const ask = '"messages":[{"role":"user","content":"why? \\"options\\":"}]';
  assert.notEqual(key(`{${ask},"options":{"seed":1},"stream":false,"stream":true}`), undefined);
  assert.equal(key(`{${ask},"options":{"seed":1},"options":{"top_k":1}}`), undefined);
  assert.equal(key(`{${ask},"options":{"seed":1},"option\u017f":{"top_k":1}}`), undefined);
  assert.equal(key(`{${ask},${ask}}`), undefined);
});

test('where answers belong to a key, nobody else of the tenant has them, whatever it is called', () => {
  const keys = [
    keyOf(base),
    keyOf(base, { owner: 'a' }),
    keyOf(base, { owner: 'b' }),
    keyOf(base, { tenant: 'b', owner: 'a' }),
    keyOf(base, { tenant: '["a","a"]' }),
  ];
  assert.equal(new Set(keys).size, keys.length);
});
