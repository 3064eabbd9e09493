import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAmong, modelPolicy, virtualModel } from '../../../test/support/model-policy.ts';
import { testAsker } from '../../../test/support/test-asker.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { Generate, NativeStream } from '../generate.ts';
import type { GenerationJob } from '../job.ts';
import { CannedAnswer } from './modelled/canned-answer.ts';
import { createModelled, type ModelledDeps } from './modelled.ts';

const never = new AbortController().signal;
const body = '{"model":"main","messages":[{"role":"user","content":"x"}]}';
const job: GenerationJob = { path: '/api/chat', model: 'main', body, tenant: 't', asker: testAsker };
const policy = modelPolicy({ find: findAmong(virtualModel('main', 'a', { fallbacks: ['b', 'c'] })) });
const answer = (asked: GenerationJob): NativeStream => new CannedAnswer(asked, 'hi');
const old = (asked: GenerationJob): NativeStream =>
  Object.assign(new CannedAnswer(asked, 'hi'), { marks: { cache: 'stale', degraded: 'stale' } });

/** A clock that only the models move. */
function setUp(models: Record<string, (asked: GenerationJob) => NativeStream>, changes: Partial<ModelledDeps> = {}) {
  const clock = { ms: 0 };
  const asked: Array<readonly [model: string, timeoutMs: number | undefined]> = [];
  const next: Generate = async given => {
    asked.push([given.model, given.asker.timeoutMs]);
    const model = models[given.model];
    if (model === undefined) throw new DeciError('model_not_found');
    return model(given);
  };
  const deps: ModelledDeps = {
    ...policy,
    totalMs: 1000,
    nowMs: () => clock.ms,
    stale: () => undefined,
    ...changes,
  };
  const failsAfter = (ms: number, code: DeciError['code']) => () => {
    clock.ms += ms;
    throw new DeciError(code);
  };
  return { generate: createModelled(deps, next), asked, clock, failsAfter, models };
}

test('each model of a chain has what the ones before it left of the time', async () => {
  const { generate, asked, failsAfter, models } = setUp({ c: answer });
  models['a'] = failsAfter(400, 'upstream_broken');
  models['b'] = failsAfter(350, 'first_token_timeout');
  const stream = await generate(job, never);
  assert.deepEqual([stream.marks?.model, stream.marks?.degraded], ['c', 'fallback_model']);
  assert.deepEqual(asked, [
    ['a', undefined],
    ['b', 600],
    ['c', 250],
  ]);
  asked.length = 0;
  await generate({ ...job, asker: { ...testAsker, timeoutMs: 900 } }, never);
  assert.deepEqual(asked, [
    ['a', 900],
    ['b', 500],
    ['c', 150],
  ]);
});

test('when the time is over no other model is asked: an old answer, a text, or the error', async () => {
  for (const [first, second] of [
    ['total_timeout', undefined],
    ['upstream_broken', 'total_timeout'],
  ] as const) {
    for (const [changes, degraded] of [
      [{ stale: old, fallbackText: 'later' }, 'stale'],
      [{ fallbackText: 'later' }, 'fallback_text'],
      [{}, undefined],
    ] as const) {
      const { generate, asked, failsAfter, models } = setUp({ c: answer }, changes);
      models['a'] = failsAfter(1, first);
      if (second !== undefined) models['b'] = failsAfter(1, second);
      const given = generate(job, never);
      if (degraded === undefined) await assert.rejects(given, { code: first });
      else assert.equal((await given).marks?.degraded, degraded);
      assert.equal(asked.length, second === undefined ? 1 : 2);
    }
  }
});

test('a model that took all of the time leaves none to the next, whatever it failed of', async () => {
  const { generate, asked, failsAfter, models } = setUp({ b: answer });
  models['a'] = failsAfter(1000, 'first_token_timeout');
  await assert.rejects(generate(job, never), { code: 'first_token_timeout' });
  assert.deepEqual(asked, [['a', undefined]]);
});

test('an answer of another model that others read as well ends for this reader when his time is over', async () => {
  const waits: Generate = (asked, signal) => {
    if (asked.model === 'a') throw new DeciError('upstream_broken');
    const { promise, reject } = Promise.withResolvers<NativeStream>();
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    return promise;
  };
  const deps = { ...policy, totalMs: 50, nowMs: () => 0, stale: () => undefined, fallbackText: 'later' };
  // Else nothing would keep this process alive until then.
  const alive = setTimeout(() => undefined, 30_000);
  const stream = await createModelled(deps, async (asked, signal) => waits(asked, signal))(job, never);
  clearTimeout(alive);
  assert.equal(stream.marks?.degraded, 'fallback_text');
});

test('answers belong to the key that asked, unless the settings or a virtual model let its tenant share them', async () => {
  const scoped = (scope: 'key' | 'tenant' | null) => ({ policy: 'default', ttl: null, scope }) as const;
  for (const [cacheScope, scope, owner] of [
    ['key', undefined, 'me'],
    ['key', null, 'me'],
    ['key', 'tenant', undefined],
    ['tenant', undefined, undefined],
    ['tenant', null, undefined],
    ['tenant', 'key', 'me'],
  ] as const) {
    const virtual =
      scope === undefined ? [] : [virtualModel(job.model, 'a', { cache: scoped(scope), fallbacks: ['b'] })];
    const owners: Array<string | undefined> = [];
    const next: Generate = async asked => {
      owners.push(asked.owner);
      if (asked.model === 'a') throw new DeciError('upstream_broken');
      return answer(asked);
    };
    const names = modelPolicy({ find: findAmong(...virtual), cacheScope });
    const deps = { ...names, totalMs: 1000, nowMs: () => 0, stale: () => undefined };
    await createModelled(deps, next)({ ...job, owner: 'me' }, never);
    assert.deepEqual(owners, scope === undefined ? [owner] : [owner, owner], `${cacheScope}, ${scope}`);
  }
});
