/** Old answers in place of new ones: as soon as it is clear that no host is there, and only for those who take them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { type Answer, ask, chat, type Json } from './wire.ts';

let fakes: FakeOllama[];
let worker: TestWorker;

before(async () => {
  fakes = [await startFakeOllama({ numParallel: 4 }), await startFakeOllama({ numParallel: 4 })];
  // With the waits of the settings as they are by default: it is those that are looked at.
  worker = await startWorker({ OLLAMA_URLS: fakes.map(({ url }) => url).join(',') });
});
after(async () => {
  await worker?.[Symbol.asyncDispose]();
  for (const fake of fakes ?? []) await fake.stop();
});

const timed = async (path: string, body: Json, headers = {}): Promise<Answer & { readonly tookMs: number }> => {
  const startedAt = performance.now();
  const answer = await ask(worker, path, body, { headers });
  return { ...answer, tookMs: performance.now() - startedAt };
};
const marksOf = ({ headers }: Answer): unknown[] => [
  headers.get('x-deci-cache'),
  headers.get('x-deci-degraded'),
  headers.get('x-deci-upstream'),
];

test('both hosts die: who has an old answer gets it within 1.2 s, who has none is refused at once when it is known', async () => {
  const spare = { base: 'llama3.2', fallbacks: ['all-minilm', 'tiny'] };
  assert.equal((await ask(worker, '/api/admin/models/spare', spare, { method: 'PUT' })).status, 200);
  const brief = { base: 'nomic-embed-text', cache: { ttl: '1ms' } };
  assert.equal((await ask(worker, '/api/admin/models/brief', brief, { method: 'PUT' })).status, 200);
  await until(
    'it is known',
    async () => (await ask(worker, '/api/chat', chat('x', { model: 'spare' }))).status === 200,
  );
  const cases = [
    ['/api/chat', chat('any of many', { stream: false })],
    ['/api/chat', chat('streamed')],
    ['/api/chat', chat('with fallbacks', { model: 'spare', stream: false })],
    ['/v1/chat/completions', chat('in words of others')],
    ['/v1/embeddings', { model: 'brief', input: 'a vector' }],
  ] as const;
  for (const [path, body] of cases) assert.equal((await ask(worker, path, body)).status, 200, path);
  for (const { control } of fakes) await control.refuse({ cut: true });
  const answers = await Promise.all(cases.map(([path, body]) => timed(path, body)));
  for (const [index, answer] of answers.entries()) {
    const name = JSON.stringify(cases[index]);
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    assert.deepEqual(marksOf(answer), ['stale', 'stale', null], name);
    // Asked at the same time, they get in each other's way on a busy machine.
    assert.ok(answer.tookMs <= 2400, `${name}: ${answer.tookMs} ms`);
  }
  assert.ok(Math.min(...answers.map(({ tookMs }) => tookMs)) <= 1200);
  // An outage that has only begun is waited out by everybody else.
  await until('the outage is a long one', async () => (await timed('/api/chat', chat('new'))).tookMs < 100);
  const tookMs: Record<'refused' | 'refusing' | 'stale', number[]> = { refused: [], refusing: [], stale: [] };
  for (let i = 0; i < 5; i++) {
    const refused = await timed('/api/chat', chat(`newer ${i}`));
    assert.equal(refused.status, 503, refused.text);
    tookMs.refused.push(refused.tookMs);
    const refusing = await timed('/api/chat', chat('streamed'), { 'x-deci-degraded': 'refuse' });
    assert.equal(refusing.status, 503, 'who wants no old answer gets none');
    tookMs.refusing.push(refusing.tookMs);
    const stale = await timed('/api/chat', chat('streamed'));
    assert.deepEqual(marksOf(stale), ['stale', 'stale', null]);
    tookMs.stale.push(stale.tookMs);
  }
  // What waits for something waits every time.
  for (const [what, times] of Object.entries(tookMs)) {
    assert.ok(Math.min(...times) <= 50, `${what} after ${times.join(', ')} ms`);
  }
});
