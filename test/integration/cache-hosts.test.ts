/** Recorded answers in front of several hosts: one name may be other weights on each of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { ask, chat, type Json } from './wire.ts';

let fakes: FakeOllama[];

before(async () => {
  fakes = [await startFakeOllama({ numParallel: 4 }), await startFakeOllama({ numParallel: 4 })];
});
after(async () => {
  for (const fake of fakes ?? []) await fake.stop();
});

const hostOf = ({ url }: FakeOllama): string => new URL(url).host;

test('what one host has said is not given to a virtual model that is bound to another one', async () => {
  await using worker = await startWorker({ OLLAMA_URLS: fakes.map(({ url }) => url).join(',') });
  const names = fakes.map(hostOf);
  for (const [i, host] of names.entries()) {
    const body = { base: 'llama3.2', hosts: [host] };
    assert.equal((await ask(worker, `/api/admin/models/bound-${i}`, body, { method: 'PUT' })).status, 200);
  }
  const asked = (i: number, path: string, body: Json) => ask(worker, path, { ...body, model: `bound-${i}` });
  await until('both are known', async () => {
    const answers = await Promise.all([0, 1].map(i => asked(i, '/api/chat', chat('anything'))));
    return answers.every(({ status }) => status === 200);
  });
  for (const [path, body] of [
    ['/api/chat', chat('same', { options: { temperature: 0 } })],
    ['/api/embed', { input: 'same' }],
    ['/v1/embeddings', { input: 'same in other words' }],
  ] as const) {
    for (const cache of ['miss', 'hit']) {
      for (const [i, host] of names.entries()) {
        const { headers, text } = await asked(i, path, body);
        assert.equal(headers.get('x-deci-cache'), cache, `${path} ${text}`);
        assert.equal(headers.get('x-deci-upstream'), cache === 'miss' ? host : null);
      }
    }
  }
});
