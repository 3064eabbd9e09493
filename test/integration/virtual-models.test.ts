/** Virtual models as clients meet them: written by an editor, used by name in every dialect, answered under that name. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { quickestMs } from '../support/quickest.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import {
  type Answer,
  ask,
  chat,
  events,
  inferenceCount,
  type Json,
  json,
  lastBody,
  lastRequest,
  lines,
} from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({
    workers: 2,
    env: { RETRY_MAX: '1', BREAKER_FAILURES: 'off', HEARTBEAT_INTERVAL: 'off', CACHE_REFRESH_AHEAD: 'off' },
    fakeOptions: { numParallel: 16 },
  });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const admin = '/api/admin/models';
const everywhere = <T>(work: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 6 }, work));

/** Written, and known to every worker. */
async function put(name: string, body: Json): Promise<Json> {
  const answer = await ask(cluster, `${admin}/${name}`, body, { method: 'PUT' });
  assert.equal(answer.status, 200, answer.text);
  const written = JSON.stringify(json(answer));
  await until('every worker knows it', async () => {
    const seen = await everywhere(() => ask(cluster, `${admin}/${name}`));
    return seen.every(({ text }) => text === written);
  });
  return json(answer);
}

let questions = 0;
const question = (model: string, extra: Json = {}): Json => ({ ...chat(`virtual ${questions++}`, extra), model });
const mark = (answer: Answer, name: string): string | null => answer.headers.get(`x-deci-${name}`);

test('what is written is told, listed, followed by every worker within a second, and deleted', async () => {
  let written: Json = {};
  const knownMs = await quickestMs(3, async time => {
    written = await put('team/helper:v1', { base: 'llama3.2', options: { temperature: 0, seed: time } });
  });
  assert.ok(knownMs < 1000, `${knownMs} ms`);
  assert.equal(written['name'], 'team/helper:v1');
  assert.deepEqual(written['retry'], { attempts: null, also: [], never: [] });
  const list = json(await ask(cluster, admin))['data'] as Json[];
  assert.deepEqual(
    list.find(({ name }) => name === 'team/helper:v1'),
    written,
  );
  assert.equal((await ask(cluster, `${admin}/team/helper:v1`, undefined, { method: 'DELETE' })).status, 200);
  await until('every worker has forgotten it', async () =>
    (await everywhere(() => ask(cluster, `${admin}/team/helper:v1`))).every(({ status }) => status === 404),
  );
  assert.equal((await ask(cluster, '/api/chat', question('team/helper:v1'))).status, 404);
});

test('what cannot be right is refused in words that name the member', async () => {
  await put('first', { base: 'llama3.2' });
  for (const [name, body, words] of [
    ['x', {}, /base is required/],
    ['x', { base: 'llama3.2', knowledge: { collection: 'c', k: 3 } }, /knowledge/],
    ['x', { base: 'llama3.2', hosts: ['nowhere:1'] }, /hosts "nowhere:1" is not there; there are: 127/],
    ['x', { base: 'first' }, /base "first" is a virtual model: name the model that it stands for, "llama3.2"/],
    ['x', { base: 'llama3.2', fallbacks: ['X'] }, /fallbacks "X" leads back to "x"/],
    ['x', { base: 'llama3.2', cache: { ttl: 'soon' } }, /cache\.ttl must be a duration/],
    ['x', { base: 'llama3.2', keep_alive: '5 minutes' }, /keep_alive must be/],
    ['x', { base: 'llama3.2', retry: { also: ['client_gone'] } }, /retry\.also/],
    ['x y', { base: 'llama3.2' }, /name must be the name of a model/],
    ['x', { base: 'llama3.2', wrong: 1 }, /wrong is not known here/],
  ] as const) {
    const answer = await ask(cluster, `${admin}/${encodeURIComponent(name)}`, body, { method: 'PUT' });
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text.replaceAll('\\"', '"'), words);
  }
  await put('second', { base: 'llama3.2', fallbacks: ['first'] });
  const loop = await ask(cluster, `${admin}/first`, { base: 'llama3.2', fallbacks: ['second'] }, { method: 'PUT' });
  assert.equal(loop.status, 400);
});

test('a new one is made by POST too, once', async () => {
  const made = await ask(cluster, admin, { name: 'team/posted', base: 'llama3.2', cache: { policy: 'always' } });
  assert.deepEqual([made.status, made.headers.get('location')], [201, `${admin}/team/posted`]);
  assert.deepEqual(json(made)['cache'], { policy: 'always', ttl: null, scope: null });
  await until('every worker knows it', async () =>
    (await everywhere(() => ask(cluster, `${admin}/team/posted`))).every(({ text }) => text === made.text),
  );
  const again = await Promise.all(
    ['Team/posted:latest', 'both', 'both', 'both'].map(name => ask(cluster, admin, { name, base: 'qwen3' })),
  );
  assert.deepEqual(again.map(({ status }) => status).toSorted(), [201, 409, 409, 409]);
  const { status, text } = await ask(cluster, admin, { name: 'team/posted', base: 'qwen3' });
  assert.deepEqual([status, (JSON.parse(text) as Json)['code']], [409, 'already_exists']);
  assert.equal(json(await ask(cluster, `${admin}/team/posted`))['base'], 'llama3.2');
  for (const body of [{ base: 'llama3.2' }, { name: 'x y', base: 'llama3.2' }, { name: 'x', base: 'm', wrong: 1 }]) {
    assert.equal((await ask(cluster, admin, body)).status, 400);
  }
});

test('answers carry the name that was asked for, in every dialect, whole and streamed, fresh and recorded', async () => {
  await put('named', { base: 'llama3.2', options: { temperature: 0 } });
  const text = `named ${questions++}`;
  for (let round = 0; round < 2; round++) {
    const messages = [{ role: 'user', content: text }];
    const streamed = await ask(cluster, '/api/chat', { model: 'named', messages });
    assert.ok(lines(streamed.text).length > 2);
    for (const line of lines(streamed.text)) assert.equal(line['model'], 'named');
    const whole = await ask(cluster, '/api/chat', { model: 'named', messages, stream: false });
    assert.equal(json(whole)['model'], 'named');
    assert.equal(mark(whole, 'model'), 'llama3.2');
    const generated = await ask(cluster, '/api/generate', { model: 'named', prompt: text, stream: false });
    assert.equal(json(generated)['model'], 'named');
    const openai = await ask(cluster, '/v1/chat/completions', { model: 'named', messages, stream: true });
    for (const { data } of events(openai.text))
      if (data !== '[DONE]') assert.equal((JSON.parse(data) as Json)['model'], 'named');
    const anthropic = await ask(cluster, '/v1/messages', { model: 'named', messages, max_tokens: 20 });
    assert.equal(json(anthropic)['model'], 'named');
    const embedded = await ask(cluster, '/api/embed', { model: 'named', input: text });
    assert.equal(json(embedded)['model'], 'named');
    assert.equal(mark(embedded, 'model'), 'llama3.2');
    const vectors = await ask(cluster, '/v1/embeddings', { model: 'named', input: `vector of ${text}` });
    assert.equal(json(vectors)['model'], 'named');
    assert.equal(mark(vectors, 'cache'), round === 0 ? 'miss' : 'hit');
  }
  assert.equal(lastBody(cluster.control, '/api/chat')['model'], 'llama3.2');
});

test('what it says itself is sent where the client says nothing', async () => {
  await put('tuned', {
    base: 'llama3.2',
    options: { temperature: 0.1, top_k: 5 },
    system: 'Be brief.',
    keep_alive: '7m',
  });
  await ask(cluster, '/api/chat', question('tuned', { options: { temperature: 0.9 } }));
  const first = lastBody(cluster.control, '/api/chat');
  assert.deepEqual(first['options'], { temperature: 0.9, top_k: 5 });
  assert.equal(first['keep_alive'], '7m');
  assert.deepEqual((first['messages'] as Json[])[0], { role: 'system', content: 'Be brief.' });
  const messages = [
    { role: 'system', content: 'Mine.' },
    { role: 'user', content: 'x' },
  ];
  await ask(cluster, '/api/chat', { model: 'tuned', messages, keep_alive: '3m' });
  const second = lastBody(cluster.control, '/api/chat');
  assert.deepEqual([second['messages'], second['keep_alive']], [messages, '3m']);
  // What OpenAI has by default nobody asked for.
  await ask(cluster, '/v1/chat/completions', question('tuned'));
  assert.deepEqual(lastBody(cluster.control, '/api/chat')['options'], { temperature: 0.1, top_p: 1, top_k: 5 });
  await ask(cluster, '/v1/responses', { model: 'tuned', input: 'x', temperature: 1 });
  assert.deepEqual(lastBody(cluster.control, '/api/chat')['options'], { temperature: 1, top_k: 5 });
});

test('they are in the lists with what stands behind them, and shown', async () => {
  await put('listed', { base: 'llama3.2' });
  await put('nowhere', { base: 'not-there' });
  const rows = json(await ask(cluster, '/api/tags'))['models'] as Json[];
  const real = rows.find(({ name }) => name === 'llama3.2:latest');
  const row = rows.find(({ name }) => name === 'listed');
  assert.equal(row?.['model'], 'listed');
  assert.equal(row?.['digest'], real?.['digest']);
  assert.equal(
    rows.some(({ name }) => name === 'nowhere'),
    false,
  );
  const models = json(await ask(cluster, '/v1/models'))['data'] as Json[];
  assert.ok(models.some(({ id }) => id === 'listed'));
  assert.equal(json(await ask(cluster, '/v1/models/listed'))['id'], 'listed');
  const shown = await ask(cluster, '/api/show', { model: 'listed' });
  assert.equal(shown.status, 200);
  assert.equal(shown.text, (await ask(cluster, '/api/show', { model: 'llama3.2' })).text);
  assert.equal(mark(shown, 'model'), 'llama3.2');
});

test('one that has the name of a real model takes its place', async () => {
  await put('qwen3', { base: 'llama3.2' });
  const answer = await ask(cluster, '/api/chat', { ...question('qwen3'), stream: false });
  assert.deepEqual([json(answer)['model'], mark(answer, 'model')], ['qwen3', 'llama3.2']);
  const rows = json(await ask(cluster, '/api/tags'))['models'] as Json[];
  assert.equal(rows.filter(({ name }) => String(name).startsWith('qwen3')).length, 1);
  await ask(cluster, `${admin}/qwen3`, undefined, { method: 'DELETE' });
});

test('its policies of recorded answers hold: always, never, and for how long', async () => {
  await put('always', { base: 'llama3.2', cache: { policy: 'always', ttl: '10m' } });
  const asked = question('always');
  assert.equal(mark(await ask(cluster, '/api/chat', asked), 'cache'), 'miss');
  assert.equal(mark(await ask(cluster, '/api/chat', asked), 'cache'), 'hit');
  await put('brief', { base: 'llama3.2', cache: { policy: 'always', ttl: '1ms' } });
  const brief = question('brief');
  const text = { model: 'brief', input: `brief ${questions++}` };
  for (let i = 0; i < 2; i++) {
    assert.equal(mark(await ask(cluster, '/api/chat', brief), 'cache'), 'miss');
    assert.equal(mark(await ask(cluster, '/api/embed', text), 'cache'), 'miss');
  }
  await put('never', { base: 'llama3.2', cache: { policy: 'never' } });
  const never = question('never', { options: { temperature: 0 } });
  for (let i = 0; i < 2; i++) assert.equal(mark(await ask(cluster, '/api/chat', never), 'cache'), 'bypass');
});

test('the ladder: another model, then an old answer, then a text, each marked; who refuses them gets the error', async () => {
  await put('ladder', { base: 'llama3.2', fallbacks: ['missing', 'qwen3'], fallback_text: 'Later, please.' });
  const asked = question('ladder', { stream: false });
  const first = await ask(cluster, '/api/chat', asked);
  assert.deepEqual([first.status, mark(first, 'degraded'), mark(first, 'model')], [200, null, 'llama3.2']);

  await cluster.control.fault({ fault: 'status', status: 500, path: '/api/chat', model: 'llama3.2' });
  const other = await ask(cluster, '/api/chat', question('ladder', { stream: false }));
  assert.deepEqual(
    [other.status, json(other)['model'], mark(other, 'degraded'), mark(other, 'model')],
    [200, 'ladder', 'fallback_model', 'qwen3'],
  );
  await cluster.control.reset();
  // Nothing of the other model is kept under the name of the first.
  assert.equal(mark(await ask(cluster, '/api/chat', question('ladder', { stream: false })), 'model'), 'llama3.2');

  await cluster.control.fault({ fault: 'status', status: 500, path: '/api/chat' });
  await until('every worker has the old answer', async () =>
    (await everywhere(() => ask(cluster, '/api/chat', asked))).every(answer => mark(answer, 'degraded') === 'stale'),
  );
  const stale = await ask(cluster, '/api/chat', asked);
  assert.equal((json(stale)['message'] as Json)['content'], (json(first)['message'] as Json)['content']);

  for (const [path, body, textOf] of [
    ['/api/chat', {}, (one: Json) => (one['message'] as Json)['content']],
    ['/v1/chat/completions', {}, (one: Json) => ((one['choices'] as [Json])[0]['message'] as Json)['content']],
    ['/v1/messages', { max_tokens: 9 }, (one: Json) => (one['content'] as [Json])[0]['text']],
  ] as const) {
    const text = await ask(cluster, path, question('ladder', { stream: false, ...body }));
    assert.deepEqual(
      [text.status, mark(text, 'degraded'), textOf(json(text))],
      [200, 'fallback_text', 'Later, please.'],
    );
  }
  const streamed = lines((await ask(cluster, '/api/chat', question('ladder'))).text);
  assert.deepEqual([streamed.at(-1)?.['done'], streamed.at(-1)?.['model']], [true, 'ladder']);

  const formed = await ask(cluster, '/api/chat', question('ladder', { stream: false, format: 'json' }));
  assert.equal(formed.status, 500, 'what is to have a form is not replaced by a text');
  const refused = await ask(cluster, '/api/chat', question('ladder', { stream: false }), {
    headers: { 'x-deci-degraded': 'refuse' },
  });
  assert.equal(refused.status, 500);
  const metrics = await ask(cluster, '/metrics');
  for (const reason of ['stale', 'fallback_model', 'fallback_text']) {
    assert.match(metrics.text, new RegExp(`deci_degraded_answers_total\\{[^}]*reason="${reason}"[^}]*\\} [1-9]`));
  }
});

test('a fallback may be a virtual model with words of its own', async () => {
  await put('spare', { base: 'qwen3', system: 'I am the spare one.' });
  await put('main', { base: 'llama3.2', fallbacks: ['spare'] });
  await cluster.control.fault({ fault: 'status', status: 503, path: '/api/chat', model: 'llama3.2' });
  const answer = await ask(cluster, '/api/chat', question('main', { stream: false }));
  assert.equal(mark(answer, 'model'), 'qwen3');
  const sent = cluster.control.state().requests.findLast(({ path }) => path === '/api/chat')?.body as Json;
  assert.deepEqual((sent['messages'] as Json[])[0], { role: 'system', content: 'I am the spare one.' });
});

test('retries as it says: fewer, or more', async () => {
  await put('stubborn', { base: 'llama3.2', retry: { attempts: 2, also: [], never: [] } });
  await cluster.control.fault({ fault: 'status', status: 500, path: '/api/chat', times: 1 });
  const count = inferenceCount(cluster.control);
  assert.equal((await ask(cluster, '/api/chat', question('stubborn', { stream: false }))).status, 200);
  assert.equal(inferenceCount(cluster.control) - count, 2);
  await put('stubborn', { base: 'llama3.2', retry: { attempts: 2, also: [], never: ['server_error'] } });
  await cluster.control.fault({ fault: 'status', status: 500, path: '/api/chat', times: 1 });
  assert.equal((await ask(cluster, '/api/chat', question('stubborn', { stream: false }))).status, 500);
});

test('a number that JavaScript cannot hold reaches the model as it was written', async () => {
  await put('exact', { base: 'llama3.2', options: { top_k: 3 } });
  await ask(
    cluster,
    '/api/chat',
    '{"model":"exact","messages":[{"role":"user","content":"x"}],"options":{"seed":12345678901234567890}}',
  );
  const raw = cluster.control.state().requests.findLast(({ path }) => path === '/api/chat');
  assert.ok(JSON.stringify(raw).includes('1234567890123456'));
});

test('by the command', async () => {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.script(['src/cli.ts', 'models', ...args], { DECI_URL: cluster.url });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await run(
    'set',
    'typed/one',
    '--base',
    'llama3.2',
    '--option',
    'temperature=0',
    '--fallback',
    'qwen3',
    '--cache',
    'always',
  );
  await run('set', 'typed/one', '--option', 'top_k=2', '--keep-alive', '10m', '--cache-scope', 'key');
  const shown = JSON.parse(await run('show', 'typed/one')) as Json;
  assert.deepEqual(shown['options'], { temperature: 0, top_k: 2 });
  assert.deepEqual(shown['cache'], { policy: 'always', ttl: null, scope: 'key' });
  assert.deepEqual([shown['keep_alive'], shown['fallbacks'], shown['base']], ['10m', ['qwen3'], 'llama3.2']);
  assert.match(await run('list'), /typed\/one\s+llama3\.2\s+qwen3/);
  assert.match(await run('delete', 'typed/one'), /is deleted/);
});

test('what one client may not do to all is changed and marked, or refused; an admin may', async () => {
  const local = { url: cluster.url };
  const greedy = question('llama3.2', { options: { num_ctx: 5000, num_gpu: 1 }, keep_alive: -1 });
  const adjusted = await ask(local, '/api/chat', greedy);
  assert.equal(mark(adjusted, 'adjusted'), 'num_gpu=default, num_ctx=8192, keep_alive=86400s');
  const sent = lastBody(cluster.control, '/api/chat');
  assert.deepEqual([sent['options'], sent['keep_alive']], [{ num_ctx: 8192 }, 86_400]);
  const embedded = await ask(local, '/api/embed', { model: 'llama3.2', input: `x ${questions++}`, keep_alive: 0 });
  assert.equal(mark(embedded, 'adjusted'), 'keep_alive=60s');
  const stop = { model: 'llama3.2', keep_alive: 0 };
  const refused = await ask(local, '/api/generate', stop);
  assert.equal(refused.status, 403);
  assert.match(refused.text, /unloading a model needs the role admin/);
  assert.equal(json(await ask(cluster, '/api/generate', stop))['done_reason'], 'unload');
  assert.match((await ask(cluster, '/metrics')).text, /deci_adjusted_requests_total 2/);
});

test('options that the host would read in another way than we do are sent as we read them', async () => {
  const local = { url: cluster.url };
  const asked = JSON.stringify(question('llama3.2')).slice(0, -1);
  const twice = `${asked},"options":{"num_ctx":131072},"options":{"temperature":0}}`;
  assert.equal((await ask(local, '/api/chat', twice)).status, 200);
  const { body, bodyBytes } = lastRequest(cluster.control, '/api/chat');
  assert.deepEqual((body as Json)['options'], { temperature: 0 });
  assert.equal(bodyBytes, JSON.stringify(body).length);
  const folded = await ask(local, '/api/chat', `${asked},"option\u017f":{"num_ctx":5000}}`);
  assert.equal(mark(folded, 'adjusted'), 'num_ctx=8192');
  assert.deepEqual(lastBody(cluster.control, '/api/chat')['options'], { num_ctx: 8192 });
});
