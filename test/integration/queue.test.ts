/** The line in front of a model with one slot: who is next, who may not wait, and what those who wait are told. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { type Answer, type AskOptions, ask, chat, events, type Json, json, lines, open } from './wire.ts';

let fake: FakeOllama;
let worker: TestWorker;
/** The same server for those who have no key. */
let anonymous: { readonly url: string };

before(async () => {
  fake = await startFakeOllama({ numParallel: 4, tokens: 2 });
  worker = await startWorker({
    OLLAMA_URLS: `${fake.url}#slots=1`,
    QUEUE_MAX: '4',
    HEARTBEAT_INTERVAL: '100ms',
    CACHE: 'off',
    RETRY_MAX: '1',
  });
  anonymous = { url: worker.url };
});
after(async () => {
  await worker?.[Symbol.asyncDispose]();
  await fake?.stop();
});
beforeEach(async () => {
  await fake.control.reset();
  await until('nobody waits', async () => (await waiting()).length === 0);
});

async function waiting(): Promise<Json[]> {
  return json(await ask(worker, '/api/admin/queue'))['data'] as Json[];
}

const arrive = (count: number): Promise<void> => until(`${count} wait`, async () => (await waiting()).length === count);

const question = (text: string): Json => chat(text, { stream: false });
const as = (priority: string): AskOptions => ({ headers: { 'x-deci-priority': priority } });
const asked = (): string[] =>
  fake.control
    .state()
    .requests.filter(({ path }) => path === '/api/chat')
    .map(({ body }) => ((body as Json)['messages'] as Json[])[0]?.['content'] as string);

/** Someone has the only slot until he is let go. */
async function occupied(): Promise<{ release(): Promise<Answer> }> {
  await fake.control.fault({ fault: 'hang', path: '/api/chat', times: 1 });
  const leaving = new AbortController();
  const held = fetch(`${worker.url}/api/chat`, {
    method: 'POST',
    body: JSON.stringify(question('occupied')),
    signal: leaving.signal,
  }).catch(() => undefined);
  await fake.control.waitFor(state => state.requests.some(({ path }) => path === '/api/chat'));
  return {
    release: async () => {
      leaving.abort();
      await held;
      return { status: 0, headers: new Headers(), text: '' };
    },
  };
}

test('a host whose only slot is taken is busy, and ready again behind it', async () => {
  await ask(worker, '/api/chat', question('so that it is loaded'));
  const stateOf = async (): Promise<unknown> =>
    ((json(await ask(worker, '/api/admin/hosts'))['data'] as Json[])[0] as Json)['state'];
  // A slot is kept for a moment for whoever comes next.
  await until('it is ready', async () => (await stateOf()) === 'ready');
  const { release } = await occupied();
  assert.equal(await stateOf(), 'busy');
  await release();
  await until('it is ready again', async () => (await stateOf()) === 'ready');
});

test('interactive before batch before background; embeddings are batch unless they say otherwise', async () => {
  const { release } = await occupied();
  const answers: Array<Promise<Answer>> = [];
  for (const priority of ['background', 'batch', 'interactive']) {
    answers.push(ask(worker, '/api/chat', question(priority), as(priority)));
    await arrive(answers.length);
  }
  answers.push(ask(worker, '/v1/embeddings', { model: 'llama3.2', input: 'x' }));
  await arrive(4);
  const order = (await waiting()).map(({ priority, position }) => [priority, position]);
  assert.deepEqual(order, [
    ['interactive', 1],
    ['batch', 2],
    ['batch', 3],
    ['background', 4],
  ]);
  await release();
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  assert.deepEqual(asked(), ['occupied', 'interactive', 'batch', 'background']);
});

test('who asks for much does not keep others waiting: one of each owner in turn', async () => {
  const { release } = await occupied();
  const answers: Array<Promise<Answer>> = [];
  for (const text of ['first', 'second', 'third']) {
    answers.push(ask(worker, '/api/chat', question(text)));
    await arrive(answers.length);
  }
  answers.push(ask(anonymous, '/api/chat', question('somebody else')));
  await arrive(4);
  await release();
  await Promise.all(answers);
  assert.deepEqual(asked(), ['occupied', 'first', 'somebody else', 'second', 'third']);
});

test('a full line: 503 for who is alone, a place for who has none, 429 for who has more than his part', async () => {
  const { release } = await occupied();
  const own = ['1', '2', '3', '4'].map(text => ask(worker, '/v1/chat/completions', question(text)));
  await arrive(4);
  const full = await ask(worker, '/v1/chat/completions', question('5'));
  assert.deepEqual([full.status, (json(full)['error'] as Json)['code']], [503, 'queue_full']);
  const other = ask(anonymous, '/v1/chat/completions', question('other'));
  await until('somebody gave up his place', async () => (await waiting()).some(({ owner }) => owner === 'local'));
  const refused = await ask(worker, '/v1/chat/completions', question('6'));
  assert.deepEqual([refused.status, (json(refused)['error'] as Json)['code']], [429, 'queue_share']);
  assert.equal(refused.headers.get('x-should-retry'), 'true');
  const seconds = Number(refused.headers.get('retry-after'));
  assert.ok(seconds >= 1 && seconds <= 30);
  await release();
  const statuses = (await Promise.all(own)).map(({ status }) => status).toSorted();
  assert.deepEqual([(await other).status, ...statuses], [200, 200, 200, 200, 429]);
});

test('who waits hears where he stands, and afterwards how long it took', async () => {
  const { release } = await occupied();
  const first = ask(worker, '/v1/chat/completions', chat('first', { stream: true }));
  await arrive(1);
  // The first sign of life brings the headers.
  const second = await open(worker, '/v1/chat/completions', chat('second', { stream: true }));
  const native = await open(worker, '/api/chat', chat('third', { stream: true }));
  await release();
  assert.match((await first).text, /^: X-Deci-Queue-Position: 1\n/);
  const text = await second.text();
  assert.match(text, /^: X-Deci-Queue-Position: 2\n/m);
  assert.equal(events(text).at(-1)?.data, '[DONE]');
  const marks = JSON.parse(/^: deci (.*)$/m.exec(text)?.[1] ?? '{}') as Json;
  assert.ok(Number(marks['queue_ms']) >= 100, text.slice(-300));
  const { deci } = lines(await native.text()).at(-1) as { deci: Json };
  assert.ok(Number(deci['queue_ms']) >= 100);
});

test('a request has the time that its client gives it, and not more', async () => {
  const { release } = await occupied();
  const startedAt = performance.now();
  const late = await ask(worker, '/v1/chat/completions', question('late'), { headers: { 'x-deci-timeout': '300ms' } });
  assert.deepEqual([late.status, (json(late)['error'] as Json)['code']], [503, 'queue_timeout']);
  assert.ok(performance.now() - startedAt < 2000);
  await release();
  await fake.control.fault({ fault: 'hang', path: '/api/chat', times: 1 });
  const hung = await ask(worker, '/api/chat', question('hung'), { headers: { 'x-deci-timeout': '0.3' } });
  assert.equal(hung.status, 504);
});

test('headers that cannot be understood are refused in the dialect of the caller', async () => {
  for (const headers of [{ 'x-deci-timeout': 'soon' }, { 'x-deci-timeout': '-1' }, { 'x-deci-priority': 'urgent' }]) {
    const [name = ''] = Object.keys(headers);
    const openAi = await ask(worker, '/v1/chat/completions', question('x'), { headers: { ...headers } });
    assert.equal(openAi.status, 400);
    assert.match(String((json(openAi)['error'] as Json)['message']).toLowerCase(), new RegExp(name));
    const native = await ask(worker, '/api/embed', { model: 'llama3.2', input: 'x' }, { headers: { ...headers } });
    assert.equal(native.status, 400);
    assert.match(String(json(native)['error']).toLowerCase(), new RegExp(name));
  }
});

test('what is urgent is not refused for what waits behind it', async () => {
  // So that it is known how long a slot is held.
  for (let count = 0; count < 5; count++) await ask(worker, '/api/chat', question(`learnt ${count}`));
  const { release } = await occupied();
  const background = ['a', 'b'].map(text => ask(worker, '/api/chat', question(text), as('background')));
  await arrive(2);
  const urgent = ask(worker, '/api/chat', question('urgent'), {
    headers: { 'x-deci-priority': 'interactive', 'x-deci-timeout': '20s' },
  });
  await arrive(3);
  await release();
  for (const answer of await Promise.all([urgent, ...background])) assert.equal(answer.status, 200);
  assert.deepEqual(asked().slice(-3), ['urgent', 'a', 'b']);
});

test('how long it will take is told to who waits and to the administrator, once it can be known', async () => {
  for (let count = 0; count < 5; count++) await ask(worker, '/api/chat', question(`learnt again ${count}`));
  const { release } = await occupied();
  const waits = await open(worker, '/v1/chat/completions', chat('waits', { stream: true }));
  const [told] = await waiting();
  const expectedMs = told?.['expected_wait_ms'];
  assert.ok(typeof expectedMs === 'number' && expectedMs >= 0 && expectedMs < 60_000, String(expectedMs));
  await release();
  const heard = /^: X-Deci-Queue-Expected-Ms: (\d+)$/m.exec(await waits.text());
  assert.ok(Number(heard?.[1]) < 60_000, 'and in every sign of life');
});

test('QUEUE_MAX_PER_KEY: while another key waits, one may not have more places than that, and is told so', async () => {
  await using bounded = await startWorker({
    OLLAMA_URLS: `${fake.url}#slots=1`,
    QUEUE_MAX_PER_KEY: '1',
    CACHE: 'off',
    RETRY_MAX: '1',
  });
  // So that it is known how long a host works on for one who has left.
  await ask(bounded, '/api/chat', question('learnt by another worker'));
  await fake.control.reset();
  await fake.control.fault({ fault: 'hang', path: '/api/chat', times: 1 });
  const leaving = new AbortController();
  const occupies = fetch(`${bounded.url}/api/chat`, {
    method: 'POST',
    body: JSON.stringify(question('occupied')),
    signal: leaving.signal,
  }).catch(() => undefined);
  await fake.control.waitFor(state => state.requests.some(({ path }) => path === '/api/chat'));
  const owners = async (): Promise<unknown> =>
    (json(await ask(bounded, '/api/admin/queue'))['data'] as Json[]).map(({ owner }) => owner);
  const own = ask(bounded, '/v1/chat/completions', question('own'));
  await until('one waits', async () => ((await owners()) as unknown[]).length === 1);
  const other = ask({ url: bounded.url }, '/v1/chat/completions', question('other'));
  await until('the other one waits too', async () => ((await owners()) as unknown[]).length === 2);
  const refused = await ask(bounded, '/v1/chat/completions', question('one too many'));
  assert.deepEqual([refused.status, (json(refused)['error'] as Json)['code']], [429, 'queue_share']);
  const seconds = Number(refused.headers.get('retry-after'));
  assert.ok(seconds >= 1 && seconds <= 30);
  leaving.abort();
  await occupies;
  assert.deepEqual([(await own).status, (await other).status], [200, 200]);
});
