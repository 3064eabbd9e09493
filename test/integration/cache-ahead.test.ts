/** Answers that are generated before somebody has to wait for them: hot ones before they are too old, listed ones after the start. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { ask, chat, inferenceCount, type Json } from './wire.ts';

let fake: FakeOllama;
let dir: string;

before(async () => {
  fake = await startFakeOllama({ numParallel: 4 });
  dir = mkdtempSync(join(tmpdir(), 'deci-warm-'));
});
after(async () => {
  await fake?.stop();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => fake.control.reset());

const fixed = (text: string): Json => chat(text, { stream: false, options: { temperature: 0 } });

test('an answer that is asked for often is generated anew before it is too old, and nobody waits for it', async () => {
  await using worker = await startWorker({ OLLAMA_URLS: fake.url, CACHE_TTL: '10s', CACHE_REFRESH_AHEAD: '0.02' });
  assert.equal((await ask(worker, '/api/chat', fixed('hot'))).headers.get('x-deci-cache'), 'miss');
  let asked = 0;
  await until('it is generated anew', async () => {
    asked++;
    assert.equal((await ask(worker, '/api/chat', fixed('hot'))).headers.get('x-deci-cache'), 'hit');
    return inferenceCount(fake.control) === 2;
  });
  assert.ok(asked >= 5, `${asked} times`);
  await until('it is counted', async () =>
    /deci_cache_refreshed_total\{result="refreshed"\} 1/.test((await ask(worker, '/metrics')).text),
  );
});

test('the answers of a list are recorded after the start, by one of the workers, and given to whoever asks', async () => {
  const path = join(dir, 'warm.jsonl');
  const lines = ['one', 'two'].map(text => JSON.stringify({ path: '/api/chat', body: fixed(text) }));
  writeFileSync(path, `${lines.join('\n')}\n`);
  await using worker = await startWorker({ OLLAMA_URLS: fake.url, CACHE_WARM_FILE: path });
  await until('both are generated', () => inferenceCount(fake.control) === 2);
  for (const text of ['one', 'two']) {
    await until('it is recorded', async () => {
      const answer = await ask({ url: worker.url }, '/api/chat', fixed(text));
      return answer.headers.get('x-deci-cache') === 'hit';
    });
  }
  assert.equal(inferenceCount(fake.control), 2);
});

test('a list that cannot be understood is told by its line, and nothing of it is done', async () => {
  const path = join(dir, 'wrong.jsonl');
  writeFileSync(path, `${JSON.stringify({ path: '/api/chat', body: fixed('x') })}\n{"path":"/api/embed"}\n`);
  await using worker = await startWorker({ OLLAMA_URLS: fake.url, CACHE_WARM_FILE: path });
  await until(
    'it is told',
    () => worker.output().includes('line 2: \\"path\\" must be') || worker.output().includes('line 2'),
  );
  assert.equal((await ask(worker, '/api/chat', fixed('still here'))).status, 200);
  assert.equal(inferenceCount(fake.control), 1);
});

test('with CACHE_WRITE=through an answer that nobody waits for is on the disk before it ends', async () => {
  await using worker = await startWorker({ OLLAMA_URLS: fake.url, CACHE_WRITE: 'through' });
  for (const [path, body] of [
    ['/api/chat', chat('whole', { stream: false })],
    ['/api/chat', chat('streamed')],
  ] as const) {
    assert.equal((await ask(worker, path, body)).headers.get('x-deci-cache'), 'bypass');
  }
  // At once, and for ever: whatever it had in mind to do is not done any more.
  worker.child.kill('SIGKILL');
  await worker.exited;
  const cacheDir = join(worker.home, 'run', 'cache');
  const name = readdirSync(cacheDir).find(entry => entry.endsWith('.sqlite'));
  using file = new DatabaseSync(join(cacheDir, name ?? ''), { readOnly: true });
  assert.equal(file.prepare('SELECT count(*) AS entries FROM entry').get()?.['entries'], 2);
});
