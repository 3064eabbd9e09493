import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request, Response } from 'express';
import { allScopes, noLimits } from '../../auth/principal.ts';
import type { NativeStream } from '../../gateway/generate.ts';
import { parseOpenAiChatRequest } from '../dialects/openai-chat-request.ts';
import { RequestContext } from '../request-context.ts';
import { collectTranslated } from './translated-generation.ts';

function newContext(): RequestContext {
  const context = new RequestContext('req_1', { url: '/', headers: {} } as Request, {} as Response);
  context.principal = {
    id: 'local',
    kind: 'local',
    role: 'executor',
    tenant: 'local',
    scopes: allScopes,
    limits: noLimits,
  };
  return context;
}

async function* answer(): AsyncGenerator<Buffer> {
  yield Buffer.from('{"message":{"content":"hi"},"done":true}\n');
}

/** The bodies that `n` answers to a chat request are sent with. */
async function bodiesOf(fields: object): Promise<unknown[]> {
  const bodies: unknown[] = [];
  const generate = async ({ body }: { body: unknown }): Promise<NativeStream> => {
    bodies.push(body);
    return Object.assign(answer(), { upstream: 'h', queueMs: 0, single: false, final: {} });
  };
  const plan = parseOpenAiChatRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }], ...fields });
  const deps = { generate, heartbeatMs: undefined };
  const answers = await collectTranslated(newContext(), deps, { path: '/api/chat', id: 'id', ...plan });
  assert.equal(answers.length, plan.n);
  return bodies;
}

test('n answers without a seed share one body', async () => {
  const bodies = await bodiesOf({ n: 16 });
  assert.equal(bodies.length, 16);
  assert.ok(Buffer.isBuffer(bodies[0]));
  assert.equal(new Set(bodies).size, 1);
});

test('n answers with a seed have a body and a seed each', async () => {
  const seeds = (await bodiesOf({ n: 3, seed: 5 })).map(body => {
    const { options } = JSON.parse(String(body)) as { options: { seed: number } };
    return options.seed;
  });
  assert.deepEqual(seeds, [5, 6, 7]);
});

test('n answers with a seed are refused when their bodies come to more than 64 MB', async () => {
  const messages = [{ role: 'user', content: 'x'.repeat(5 * 1024 * 1024) }];
  await assert.rejects(bodiesOf({ n: 16, seed: 5, messages }), { code: 'body_too_large', status: 413, param: 'n' });
  assert.equal((await bodiesOf({ n: 12, seed: 5, messages })).length, 12);
  assert.equal((await bodiesOf({ n: 16, messages })).length, 16);
});
