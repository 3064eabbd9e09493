/** Recorded answers as clients see them: given again where the question has one answer, marked wherever they are given. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { type Answer, ask, chat, events, inferenceCount, type Json, json, lines, open } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({
    workers: 2,
    // What fails is to be told at once, before the first sign of life.
    env: { HEARTBEAT_INTERVAL: '300ms', RETRY_MAX: '1', BREAKER_FAILURES: 'off' },
    fakeOptions: { numParallel: 16 },
  });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

let questions = 0;
/** A question that no other test has asked. */
const fresh = (extra: Json = {}): Json => chat(`question ${questions++}`, extra);
const fixed = { options: { temperature: 0 } };
/** Side by side, so that every worker gets some. */
const everywhere = <T>(work: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 6 }, work));
const cacheOf = (answer: Answer): string | null => answer.headers.get('x-deci-cache');

test('a question with one answer is generated once, and given again by every worker, streamed or whole', async () => {
  const question = fresh(fixed);
  const first = await ask(cluster, '/api/chat', question);
  assert.equal(cacheOf(first), 'miss');
  assert.ok(first.headers.get('x-deci-upstream'));
  for (const again of await everywhere(() => ask(cluster, '/api/chat', question))) {
    assert.equal(cacheOf(again), 'hit');
    assert.equal(again.text, first.text);
    assert.equal(again.headers.get('x-deci-upstream'), null);
  }
  const text = lines(first.text)
    .map(line => (line['message'] as Json)['content'])
    .join('');
  for (const whole of await everywhere(() => ask(cluster, '/api/chat', { ...question, stream: false }))) {
    assert.equal(cacheOf(whole), 'hit');
    assert.equal((json(whole)['message'] as Json)['content'], text);
    assert.equal(json(whole)['done'], true);
  }
  assert.equal(inferenceCount(cluster.control), 1);
});

test('the record is given in whatever dialect asks the same', async () => {
  const text = `same ${questions++}`;
  const messages = [{ role: 'user', content: text }];
  const openai = { model: 'llama3.2', messages, seed: 7, temperature: 0.5 };
  const first = await ask(cluster, '/v1/chat/completions', openai);
  assert.equal(cacheOf(first), 'miss');
  const streamed = await ask(cluster, '/v1/chat/completions', { ...openai, stream: true });
  assert.equal(cacheOf(streamed), 'hit');
  assert.equal(events(streamed.text).at(-1)?.data, '[DONE]');
  assert.notEqual(json(first)['id'], (JSON.parse(events(streamed.text)[0]?.data ?? '{}') as Json)['id']);
  assert.equal(inferenceCount(cluster.control), 1);
  const sent = cluster.control.state().requests.find(request => request.path === '/api/chat')?.body as Json;
  const native = await ask(cluster, '/api/chat', { ...sent, stream: false, keep_alive: '1m' });
  assert.equal(cacheOf(native), 'hit');
});

test('an answer that may differ is generated each time, unless the client takes a recorded one', async () => {
  const question = fresh();
  for (let i = 0; i < 2; i++) assert.equal(cacheOf(await ask(cluster, '/api/chat', question)), 'bypass');
  assert.equal(inferenceCount(cluster.control), 2);
  const allow = { headers: { 'x-deci-cache': 'allow' } };
  await until('another worker has it', async () => cacheOf(await ask(cluster, '/api/chat', question, allow)) === 'hit');
  const count = inferenceCount(cluster.control);
  assert.equal(cacheOf(await ask(cluster, '/api/chat', question, allow)), 'hit');
  assert.equal(inferenceCount(cluster.control), count);
});

test('`no-store` neither reads nor writes', async () => {
  const question = fresh(fixed);
  const none = { headers: { 'x-deci-cache': 'no-store' } };
  assert.equal(cacheOf(await ask(cluster, '/api/chat', question, none)), 'bypass');
  assert.equal(cacheOf(await ask(cluster, '/api/chat', question)), 'miss');
  assert.equal(cacheOf(await ask(cluster, '/api/chat', question, none)), 'bypass');
  assert.equal(inferenceCount(cluster.control), 3);
});

test('who is let in without a key is given nothing of what the administrator asked', async () => {
  const question = fresh(fixed);
  assert.equal(cacheOf(await ask(cluster, '/api/chat', question)), 'miss');
  const nobody = { url: cluster.url };
  for (const expected of ['miss', 'hit']) assert.equal(cacheOf(await ask(nobody, '/api/chat', question)), expected);
  assert.equal(inferenceCount(cluster.control), 2);
});

test('several choices are several answers', async () => {
  const body = { ...fresh(), n: 2 };
  await ask(cluster, '/v1/chat/completions', body, { headers: { 'x-deci-cache': 'allow' } });
  assert.equal(inferenceCount(cluster.control), 2);
});

test('loading a model is never answered from a record', async () => {
  for (let i = 0; i < 2; i++) {
    assert.equal(cacheOf(await ask(cluster, '/api/generate', { model: 'llama3.2', ...fixed })), 'bypass');
  }
  assert.equal(inferenceCount(cluster.control), 2);
});

test('a cut answer is not recorded', async () => {
  const question = fresh(fixed);
  await cluster.control.fault({ fault: 'die-mid-stream', after: 3, path: '/api/chat', times: 1 });
  const cut = await ask(cluster, '/api/chat', question);
  assert.ok(lines(cut.text).at(-1)?.['error']);
  assert.equal(cacheOf(await ask(cluster, '/api/chat', question)), 'miss');
});

test('when no host can answer, an old answer is given and marked; a client may refuse it', async () => {
  const question = fresh();
  const first = await ask(cluster, '/api/chat', question);
  await cluster.control.fault({ fault: 'status', status: 500, path: '/api/chat' });
  const other = await ask(cluster, '/api/chat', fresh());
  assert.equal(other.status, 500);
  await until('every worker has it', async () =>
    (await everywhere(() => ask(cluster, '/api/chat', question))).every(answer => answer.status === 200),
  );
  for (const [path, body] of [
    ['/api/chat', question],
    ['/api/chat', { ...question, stream: false }],
  ] as const) {
    const stale = await ask(cluster, path, body);
    assert.equal(stale.status, 200);
    assert.equal(cacheOf(stale), 'stale');
    assert.equal(stale.headers.get('x-deci-degraded'), 'stale');
    if (body === question) assert.equal(stale.text, first.text);
  }
  const refused = await ask(cluster, '/api/chat', question, { headers: { 'x-deci-degraded': 'refuse' } });
  assert.equal(refused.status, 500);
});

test('a refusal of the request itself is no reason for an old answer', async () => {
  const question = fresh();
  await ask(cluster, '/api/chat', question);
  await cluster.control.fault({ fault: 'status', status: 404, path: '/api/chat', body: '{"error":"model not found"}' });
  for (let i = 0; i < 4; i++) assert.equal((await ask(cluster, '/api/chat', question)).status, 404);
});

test('a hundred at once on two workers are one generation and a hundred equal answers', async () => {
  cluster.control.setOptions({ firstTokenMs: 300, tokenMs: 5 });
  try {
    const question = fresh({ ...fixed, stream: false });
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(cluster, '/api/chat', question)));
    assert.equal(inferenceCount(cluster.control), 1);
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal(answers.filter(answer => cacheOf(answer) === 'miss').length, 1);
    assert.ok(answers.every(answer => answer.status === 200));
  } finally {
    cluster.control.setOptions({ firstTokenMs: 0, tokenMs: 0 });
  }
});

test('a stream and a whole answer to the same question at the same time are one generation', async () => {
  cluster.control.setOptions({ firstTokenMs: 200, tokenMs: 5 });
  try {
    const question = fresh(fixed);
    const answers = await Promise.all([
      ask(cluster, '/api/chat', question),
      ask(cluster, '/api/chat', { ...question, stream: false }),
      ask(cluster, '/api/chat', question),
    ]);
    assert.equal(inferenceCount(cluster.control), 1);
    assert.ok(answers.every(({ status, text }) => status === 200 && text.includes('"done":true')));
    assert.equal(answers.filter(answer => cacheOf(answer) === 'miss').length, 1);
  } finally {
    cluster.control.setOptions({ firstTokenMs: 0, tokenMs: 0 });
  }
});

test('the reader who set a shared answer off may leave; when all have left, so does the generation', async () => {
  cluster.control.setOptions({ firstTokenMs: 100, tokenMs: 20 });
  try {
    const question = fresh(fixed);
    const first = await open(cluster, '/api/chat', question);
    const others = [ask(cluster, '/api/chat', question), ask(cluster, '/api/chat', question)];
    await first.body?.cancel();
    for (const other of await Promise.all(others)) assert.equal(lines(other.text).at(-1)?.['done'], true);

    const { aborted } = cluster.control.state();
    const last = await open(cluster, '/api/chat', fresh(fixed));
    await last.body?.cancel();
    await cluster.control.waitFor(state => state.aborted > aborted, AbortSignal.timeout(2000));
  } finally {
    cluster.control.setOptions({ firstTokenMs: 0, tokenMs: 0 });
  }
});

test('marks that came too late for the headers stand at the end', async () => {
  cluster.control.setOptions({ firstTokenMs: 800 });
  try {
    const question = fresh(fixed);
    const native = await ask(cluster, '/api/chat', question);
    assert.equal(cacheOf(native), null);
    const { deci } = lines(native.text).at(-1) as { deci: Json };
    assert.equal(deci['cache'], 'miss');
    assert.ok(deci['upstream']);
    const openai = await ask(cluster, '/v1/chat/completions', { ...fresh(), seed: 1, stream: true });
    assert.match(openai.text, /\n: deci \{"cache":"miss","upstream":"[^"]+","queue_ms":0\}\n\n$/);
  } finally {
    cluster.control.setOptions({ firstTokenMs: 0 });
  }
});

test('tags that could not be found again are refused', async () => {
  const headers = { 'x-deci-cache-tags': 'good,b d' };
  const refused = await ask(cluster, '/api/chat', fresh(), { headers });
  assert.equal(refused.status, 400);
});

interface Stats {
  readonly worker: { readonly entries: number };
  readonly shared: { readonly entries: number; readonly bytes: number };
}

test('what an administrator throws away is given by no worker any more: by tag, by model, by key, all', async () => {
  const admin = { url: cluster.url, key: cluster.key };
  const tagged = fresh(fixed);
  const other = fresh({ ...fixed, model: 'qwen3' });
  const headers = { 'x-deci-cache-tags': 'mine' };
  const isHit = async (question: Json): Promise<boolean> =>
    (await everywhere(() => ask(cluster, '/api/chat', question))).every(answer => cacheOf(answer) === 'hit');
  const record = async (question: Json): Promise<void> => {
    await ask(cluster, '/api/chat', question, { headers });
    assert.ok(await isHit(question));
  };
  const purge = async (query: string): Promise<unknown> => {
    const answer = await ask(admin, `/api/admin/cache${query}`, undefined, { method: 'DELETE' });
    assert.equal(answer.status, 200, answer.text);
    return json(answer)['removed'];
  };
  await record(tagged);
  await record(other);
  assert.equal(await purge('?tag=mine'), 2);
  for (const question of [tagged, other]) {
    await cluster.control.reset();
    await everywhere(() => ask(cluster, '/api/chat', question, { headers }));
    assert.equal(inferenceCount(cluster.control), 1, 'generated again, once');
  }
  assert.equal(await purge('?model=qwen3'), 1);
  assert.ok(await isHit(tagged));
  assert.equal(cacheOf(await ask(cluster, '/api/chat', other)), 'miss');
  const stats = json(await ask(admin, '/api/admin/cache')) as unknown as Stats;
  assert.ok(stats.shared.entries >= 2 && stats.shared.bytes > 0);
  assert.ok(Number(await purge('')) >= 2);
  assert.equal((json(await ask(admin, '/api/admin/cache')) as unknown as Stats).shared.entries, 0);
  assert.equal(cacheOf(await ask(cluster, '/api/chat', tagged)), 'miss');
  assert.equal((await ask(admin, '/api/admin/cache?tag=a&key=b', undefined, { method: 'DELETE' })).status, 400);
  assert.equal((await ask({ url: cluster.url }, '/api/admin/cache', undefined, { method: 'DELETE' })).status, 403);
  const { stdout, code } = await cluster.script(['src/cli.ts', 'cache', 'purge', '--tag', 'nothing']);
  assert.deepEqual([code, stdout], [0, '0 answers were thrown away.\n']);
  const told = await cluster.script(['src/cli.ts', 'cache', 'stats']);
  assert.match(told.stdout, /^fresh for 3600 s, kept for bad times for 86400 s\nmemory of worker \d+: \d+ answers/);
});

test('an embedding is made once and given again, in every worker', async () => {
  const routes = [
    ['/api/embed', { model: 'nomic-embed-text', input: `text ${questions++}` }],
    ['/api/embeddings', { model: 'nomic-embed-text', prompt: `text ${questions++}` }],
    ['/v1/embeddings', { model: 'nomic-embed-text', input: [`text ${questions++}`] }],
  ] as const;
  for (const [path, body] of routes) {
    await cluster.control.reset();
    const first = await ask(cluster, path, body);
    assert.equal(cacheOf(first), 'miss');
    await until('every worker has it', async () =>
      (await everywhere(() => ask(cluster, path, body))).every(answer => cacheOf(answer) === 'hit'),
    );
    await cluster.control.reset();
    const again = await ask(cluster, path, body);
    assert.deepEqual([again.text, inferenceCount(cluster.control)], [first.text, 0]);
    const none = await ask(cluster, path, body, { headers: { 'x-deci-cache': 'no-store' } });
    assert.equal(cacheOf(none), 'bypass');
  }
});

test('embeddings of the same texts are made once, whichever dialect asks; those that are not normalised are others', async () => {
  const text = `dialects ${questions++}`;
  const model = 'nomic-embed-text';
  const vectors = async (path: string, body: Json): Promise<readonly [string | null, unknown]> => {
    const answer = await ask(cluster, path, { model, ...body });
    const { embeddings, embedding, data } = json(answer) as {
      embeddings?: unknown;
      embedding?: unknown;
      data?: Json[];
    };
    return [cacheOf(answer), embeddings ?? data?.map(row => row['embedding']) ?? embedding];
  };
  const [first, made] = await vectors('/v1/embeddings', { input: text });
  assert.equal(first, 'miss');
  for (const [path, body] of [
    ['/api/embed', { input: text }],
    ['/api/embed', { input: [text], keep_alive: '1m' }],
    ['/v1/embeddings', { input: [text], encoding_format: 'float', user: 'me' }],
  ] as const) {
    assert.deepEqual(await vectors(path, body), ['hit', made], `${path} ${JSON.stringify(body)}`);
  }
  assert.equal(inferenceCount(cluster.control), 1);
  for (const [path, body] of [
    ['/api/embeddings', { prompt: text }],
    ['/api/embed', { input: [text, text] }],
    ['/v1/embeddings', { input: text, dimensions: 8 }],
  ] as const) {
    assert.equal((await vectors(path, body))[0], 'miss', `${path} ${JSON.stringify(body)}`);
  }
  const [native, own] = await vectors('/api/embed', { input: `${text} too` });
  assert.deepEqual([native, await vectors('/v1/embeddings', { input: `${text} too` })], ['miss', ['hit', own]]);
});

test('embeddings that many want at once are made once, over all workers, and go on while one of them is there', async () => {
  cluster.control.setOptions({ firstTokenMs: 150 });
  for (const [path, body] of [
    ['/api/embed', { model: 'nomic-embed-text', input: `many ${questions++}` }],
    ['/v1/embeddings', { model: 'nomic-embed-text', input: `many ${questions++}` }],
  ] as const) {
    const earlier = inferenceCount(cluster.control);
    const leaving = new AbortController();
    const first = fetch(`${cluster.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${cluster.key}` },
      body: JSON.stringify(body),
      signal: leaving.signal,
    }).catch(() => 'left');
    await cluster.control.waitFor(() => inferenceCount(cluster.control) === earlier + 1);
    const answers = Promise.all(Array.from({ length: 30 }, () => ask(cluster, path, body)));
    await until('all of them are here', async () => (await activeRequests()) >= 31);
    leaving.abort();
    assert.equal(await first, 'left');
    const texts = (await answers).map(({ status, text }) => `${status} ${text}`);
    assert.match(texts[0] ?? '', /^200 /);
    assert.equal(new Set(texts).size, 1);
    assert.ok((await answers).every(answer => ['coalesced', 'hit'].includes(cacheOf(answer) ?? '')));
    // Whoever left may have been the only one at his worker.
    assert.ok(inferenceCount(cluster.control) <= earlier + 2);
  }
});

async function activeRequests(): Promise<number> {
  return (await cluster.workers()).reduce((sum, { active }) => sum + active, 0);
}

test('a model that was made anew gives new answers; what the old one said is good for bad times', async () => {
  const make = async (from: string): Promise<void> => {
    const made = await ask(cluster, '/api/create', { model: 'own', from, stream: false });
    assert.equal(made.status, 200, made.text);
  };
  await make('llama3.2');
  const question = fresh({ ...fixed, model: 'own' });
  await until('all workers know the model', async () => {
    await ask(cluster, '/api/chat', question);
    return (await everywhere(() => ask(cluster, '/api/chat', question))).every(answer => cacheOf(answer) === 'hit');
  });
  await make('qwen3');
  await until('no worker gives what the old one said', async () => {
    const generations = inferenceCount(cluster.control);
    await ask(cluster, '/api/chat', question);
    return inferenceCount(cluster.control) > generations;
  });
});

test('an answer that was begun before its model was made anew is not taken for one of the new model', async () => {
  const model = 'remade';
  const make = async (from: string): Promise<void> => {
    const made = await ask(cluster, '/api/create', { model, from, stream: false });
    assert.equal(made.status, 200, made.text);
  };
  await make('llama3.2');
  await until('all workers know the model', async () => {
    const known = fresh({ ...fixed, model });
    await ask(cluster, '/api/chat', known);
    return (await everywhere(() => ask(cluster, '/api/chat', known))).every(answer => cacheOf(answer) === 'hit');
  });
  cluster.control.setOptions({ firstTokenMs: 300 });
  const question = fresh({ ...fixed, model });
  const generations = inferenceCount(cluster.control);
  const begun = ask(cluster, '/api/chat', question);
  await until('it is being made', () => inferenceCount(cluster.control) > generations);
  await make('qwen3');
  assert.equal((await begun).status, 200);
  cluster.control.setOptions({ firstTokenMs: 0 });
  assert.equal(cacheOf(await ask(cluster, '/api/chat', question)), 'miss');
  await until('the new answer is kept', async () => cacheOf(await ask(cluster, '/api/chat', question)) === 'hit');
});

test('who shares an answer has his own time for it: one that gives up early takes it from nobody', async () => {
  const embedding = { model: 'nomic-embed-text', input: `shared ${questions++}` };
  for (const [path, body] of [
    ['/api/chat', fresh({ ...fixed, stream: false })],
    ['/api/embed', embedding],
    ['/v1/embeddings', { ...embedding, input: `shared ${questions++}` }],
  ] as const) {
    await cluster.control.reset();
    await cluster.control.fault({ fault: 'slow', ms: 900, path: '/api/*' });
    const hasty = (timeout: string) => ask(cluster, path, body, { headers: { 'x-deci-timeout': timeout } });
    const first = hasty('250ms');
    await until('it is being made', () => inferenceCount(cluster.control) === 1);
    // In every worker, also in that of the first.
    const patient = everywhere(() => ask(cluster, path, body));
    const second = hasty('100ms');
    assert.deepEqual([(await first).status, (await second).status], [504, 504], path);
    for (const { status } of await patient) assert.equal(status, 200, path);
  }
});
