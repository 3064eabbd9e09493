import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualModel } from '../../test/support/model-policy.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { RunnerPolicy, VirtualModel } from '../ollama/virtual-model.ts';
import { type Protection, shapeRequest } from './shape-request.ts';

const protection = (runnerOptions: RunnerPolicy = 'round_up'): Protection => ({
  runnerOptions,
  maxContext: 100_000,
  keepAlive: { minMs: 60_000, maxMs: 86_400_000 },
});
const messages = [{ role: 'user', content: 'x' }];

interface Way {
  readonly path?: string;
  readonly virtual?: VirtualModel;
  readonly policy?: RunnerPolicy;
  readonly mayManage?: boolean;
}

function shape(given: JsonObject, way: Way = {}) {
  const { path = '/api/chat', virtual, policy, mayManage = false } = way;
  const request = { model: 'm', messages, ...given };
  const step = { model: virtual?.base ?? 'm', virtual };
  return shapeRequest({ path, request, mayManage }, step, protection(policy));
}

test('a request that asks for nothing special is the same object', () => {
  const request = { model: 'm', messages };
  const step = { model: 'm', virtual: undefined };
  assert.equal(shapeRequest({ path: '/api/chat', request, mayManage: false }, step, protection()).request, request);
  assert.equal(shape({ options: { temperature: 0 } }).isChanged, false);
});

for (const [policy, asked, left, adjusted] of [
  ['round_up', { num_ctx: 5000, num_gpu: 1 }, { num_ctx: 8192 }, ['num_gpu=default', 'num_ctx=8192']],
  [
    'round_up',
    { num_batch: 1, num_gpu: 0, main_gpu: 1, use_mmap: false, num_thread: 2, draft_num_predict: 3, top_k: 1 },
    { top_k: 1 },
    ['num_batch', 'num_gpu', 'main_gpu', 'use_mmap', 'num_thread', 'draft_num_predict'].map(name => `${name}=default`),
  ],
  ['round_up', { num_gpu: null }, { num_gpu: null }, []],
  ['round_up', { num_ctx: 70_000 }, { num_ctx: 100_000 }, ['num_ctx=100000']],
  ['round_up', { num_ctx: 2 ** 30 }, { num_ctx: 100_000 }, ['num_ctx=100000']],
  ['round_up', { num_ctx: 1e300 }, { num_ctx: 100_000 }, ['num_ctx=100000']],
  ['round_up', { num_ctx: 200_000.5 }, { num_ctx: 100_000 }, ['num_ctx=100000']],
  ['keep', { num_ctx: 2 ** 30, num_gpu: 1 }, { num_ctx: 100_000, num_gpu: 1 }, ['num_ctx=100000']],
  ['round_up', { num_ctx: 512 }, { num_ctx: 2048 }, ['num_ctx=2048']],
  ['round_up', { num_ctx: 4096 }, { num_ctx: 4096 }, []],
  ['round_up', { num_ctx: 'many' }, { num_ctx: 'many' }, []],
  ['keep', { num_ctx: 5000 }, { num_ctx: 5000 }, []],
  ['fix', { num_ctx: 5000, num_thread: 2, top_k: 1 }, { top_k: 1 }, ['num_ctx=default', 'num_thread=default']],
  ['fix', { num_ctx: 5000 }, undefined, ['num_ctx=default']],
] as const) {
  test(`${policy}: ${JSON.stringify(asked)} becomes ${JSON.stringify(left)}`, () => {
    const shaped = shape({ options: asked }, { policy });
    assert.deepEqual([shaped.request['options'], shaped.adjusted], [left, adjusted]);
    assert.equal(shaped.isChanged, adjusted.length > 0);
  });
}

test('an admin may ask for what makes a model load anew, and for any context', () => {
  const options = { num_ctx: 2 ** 20, num_gpu: 1, num_thread: 2 };
  const shaped = shape({ options }, { mayManage: true });
  assert.deepEqual([shaped.request['options'], shaped.adjusted], [options, []]);
});

test('what the virtual model says of a runner holds, whatever a client says', () => {
  const virtual = virtualModel('v', 'b', { options: { num_gpu: 20, num_ctx: 200_000 } });
  const shaped = shape({ options: { num_gpu: 1, num_batch: 9, num_ctx: 300_000 } }, { virtual });
  assert.deepEqual(shaped.request['options'], { num_gpu: 20, num_ctx: 200_000 });
  assert.deepEqual(shaped.adjusted, ['num_batch=default', 'num_gpu=20', 'num_ctx=200000']);
  const keeping = virtualModel('v', 'b', { options: { num_gpu: 20 }, runner_options: 'keep' });
  assert.deepEqual(shape({ options: { num_gpu: 1 } }, { virtual: keeping }).request['options'], { num_gpu: 1 });
});

test('the context of the virtual model serves whoever asks for less; fixed, it serves all', () => {
  const virtual = virtualModel('v', 'b', { options: { num_ctx: 6000 } });
  assert.deepEqual(shape({ options: { num_ctx: 3000 } }, { virtual }).request['options'], { num_ctx: 6000 });
  assert.deepEqual(shape({ options: { num_ctx: 7000 } }, { virtual }).request['options'], { num_ctx: 8192 });
  assert.deepEqual(shape({}, { virtual }).request['options'], { num_ctx: 6000 });
  const fixed = virtualModel('v', 'b', { options: { num_ctx: 6000 }, runner_options: 'fix' });
  const shaped = shape({ options: { num_ctx: 9000 } }, { virtual: fixed });
  assert.deepEqual([shaped.request['options'], shaped.adjusted], [{ num_ctx: 6000 }, ['num_ctx=6000']]);
});

for (const [asked, sent] of [
  [0, 60],
  ['1s', 60],
  [-1, 86_400],
  ['-1m', 86_400],
  ['72h', 86_400],
  ['5m', '5m'],
  [300, 300],
  [null, null],
  ['5 minutes', '5 minutes'],
] as const) {
  test(`keep_alive ${JSON.stringify(asked)} is sent as ${JSON.stringify(sent)}, by an admin as it is`, () => {
    const shaped = shape({ keep_alive: asked });
    assert.equal(shaped.request['keep_alive'], sent);
    assert.deepEqual(shaped.adjusted, sent === asked ? [] : [`keep_alive=${sent}s`]);
    assert.equal(shape({ keep_alive: asked }, { mayManage: true }).request['keep_alive'], asked);
  });
}

test('members are found in any case, and two spellings of one are one', () => {
  const shaped = shape({ Keep_Alive: -1, keep_alive: '5m', OPTIONS: { num_ctx: 3000 }, options: { top_k: 1 } });
  assert.deepEqual(shaped.request['options'], { num_ctx: 4096, top_k: 1 });
  assert.deepEqual([shaped.request['keep_alive'], 'Keep_Alive' in shaped.request], ['5m', false]);
  assert.equal(shape({ Keep_Alive: -1 }).request['keep_alive'], 86_400);
});

test('members are found in the spellings that Go takes for the same', () => {
  const shaped = shape({ 'option\u017f': { num_ctx: 3000 }, '\u212aeep_alive': -1 });
  assert.deepEqual([shaped.request['options'], shaped.request['keep_alive']], [{ num_ctx: 4096 }, 86_400]);
  assert.equal(shaped.isChanged, true);
});

for (const [text, isChanged] of [
  ['"options":{"num_ctx":131072},"options":{"temperature":0}', true],
  ['"options":{"num_ctx":131072},"\\u006fptions":{"temperature":0}', true],
  ['"keep_alive":"5m","keep_alive":"5m","stream":true,"stream":true', false],
  ['"options":{"temperature":0},"tools":[{"options":1},{"options":2}]', false],
] as const) {
  test(`{${text}} is sent ${isChanged ? 'as it was read' : 'as it is'}`, () => {
    const body = `{"model":"m",${text}}`;
    const request = JSON.parse(body) as JsonObject;
    const step = { model: 'm', virtual: undefined };
    const asked = { path: '/api/chat', request, body, mayManage: false };
    assert.equal(shapeRequest(asked, step, protection()).isChanged, isChanged);
    assert.equal(shapeRequest(asked, step, protection('keep')).isChanged, false);
  });
}

test('only an admin unloads a model', () => {
  for (const way of [
    { path: '/api/generate', messages: undefined },
    { path: '/api/chat', messages: [] },
  ]) {
    const given = { messages: way.messages, keep_alive: 0 };
    assert.throws(() => shape(given, { path: way.path }), { code: 'role_too_low' });
    assert.equal(shape(given, { path: way.path, mayManage: true }).request['keep_alive'], 0);
  }
});

test('the system prompt of a virtual model: for those without one, or in front of theirs; never in what only loads', () => {
  const own = { role: 'system', content: 'own' };
  const usual = virtualModel('v', 'b', { system: 'ours' });
  const always = virtualModel('v', 'b', { system: 'ours', system_policy: 'always' });
  const ours = { role: 'system', content: 'ours' };
  assert.deepEqual(shape({}, { virtual: usual }).request['messages'], [ours, ...messages]);
  assert.deepEqual(shape({ messages: [own, ...messages] }, { virtual: usual }).request['messages'], [own, ...messages]);
  assert.deepEqual(shape({ messages: [own] }, { virtual: always }).request['messages'], [ours, own]);
  assert.deepEqual(shape({ messages: [] }, { virtual: always }).request['messages'], []);
  const path = '/api/generate';
  const prompt = { messages: undefined, prompt: 'x' };
  assert.equal(shape(prompt, { path, virtual: usual }).request['system'], 'ours');
  assert.equal(shape({ ...prompt, system: 'own' }, { path, virtual: usual }).request['system'], 'own');
  assert.equal(shape({ ...prompt, system: 'own' }, { path, virtual: always }).request['system'], 'ours\n\nown');
  assert.equal(shape({ ...prompt, raw: true }, { path, virtual: always }).request['system'], undefined);
  assert.equal(shape({ input: 'x' }, { path: '/api/embed', virtual: always }).request['system'], undefined);
});
