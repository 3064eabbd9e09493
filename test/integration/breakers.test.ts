/** Hosts that go on failing: they are left alone, by every worker, told everywhere, and used again as soon as they are well. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Fault } from '../fake-ollama/faults.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { quickestMs } from '../support/quickest.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { answerText, dialectCases } from './resilience-cases.ts';
import { ask, chat, inferenceCount, type Json, json } from './wire.ts';

let cluster: TestCluster;
let first: FakeOllama;
let second: FakeOllama;

before(async () => {
  first = await startFakeOllama({ numParallel: 16 });
  second = await startFakeOllama({ numParallel: 16 });
  cluster = await startCluster({
    env: {
      // What is failing is meant here, not what is full.
      OLLAMA_URLS: `${first.url}#slots=32,${second.url}#slots=32`,
      OLLAMA_MAX_CONNECTIONS: '32',
      OLLAMA_HEALTH_INTERVAL: '500ms',
      HEARTBEAT_INTERVAL: 'off',
      FIRST_TOKEN_TIMEOUT: '400ms',
      LOAD_TIMEOUT: '400ms',
      RETRY_BASE: '50ms',
      RETRY_BUDGET: '1',
      BREAKER_RESET: '60s',
      CACHE: 'off',
    },
  });
});
after(async () => {
  await cluster?.stop();
  await first?.stop();
  await second?.stop();
});
beforeEach(async () => {
  await first.control.reset();
  await second.control.reset();
  for (const name of [nameOf(first), nameOf(second)]) await reset(name);
  await until('every breaker is closed', async () => (await breakers()).every(({ state }) => state === 'closed'));
});

const nameOf = (fake: FakeOllama): string => new URL(fake.url).host;

/** As one worker of the two has it: which one is chance. */
async function breakers(): Promise<Json[]> {
  return json(await ask(cluster, '/api/admin/breakers'))['data'] as Json[];
}

async function stateOf(name: string): Promise<unknown> {
  return (await breakers()).find(breaker => breaker['name'] === name)?.['state'];
}

async function reset(name: string): Promise<void> {
  const path = `/api/admin/hosts/${encodeURIComponent(name)}/reset-breaker`;
  assert.equal((await ask(cluster, path, undefined, { method: 'POST' })).status, 200);
}

const model = 'llama3.2';
/** As breakers have it. */
const modelName = 'llama3.2:latest';
const question = chat(`echo:${answerText}`, { stream: false });

async function askTimes(count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index++) statuses.push((await ask(cluster, '/api/chat', question)).status);
  return statuses;
}

test('`deci breakers` lists them and resets one; a dry run opens none', async () => {
  const list = await cluster.script(['src/cli.ts', 'breakers', 'list', '--json']);
  assert.equal(list.code, 0, list.stderr);
  assert.match(list.stdout, new RegExp(nameOf(first)));
  const done = await cluster.script(['src/cli.ts', 'breakers', 'reset', nameOf(first)]);
  assert.deepEqual([done.code, done.stdout.trim()], [0, `${nameOf(first)} is closed.`]);
  assert.notEqual((await cluster.script(['src/cli.ts', 'breakers', 'reset', 'nope'])).code, 0);
  assert.equal((await cluster.script(['src/cli.ts', 'healers', 'set', 'breaker', 'dry_run'])).code, 0);
  try {
    for (const fake of [first, second]) await fake.control.fault({ fault: 'load-failure', path: '/api/chat' });
    await until(
      'a dry run is told',
      async () => {
        await askTimes(4);
        const page = json(await ask(cluster, '/api/journal?healer=breaker&limit=1'));
        return (page['data'] as Json[])[0]?.['result'] === 'dry_run';
      },
      25_000,
    );
  } finally {
    await cluster.script(['src/cli.ts', 'healers', 'set', 'breaker', 'on']);
  }
});

const everyWorker = async (name: string, state: string): Promise<boolean> =>
  (await Promise.all([1, 2, 3, 4].map(() => stateOf(name)))).every(one => one === state);

/** Requests keep away from a host that fails beside one that does not, long before it is left alone: both have to fail. */
async function openFirst(fault: Fault, level: string): Promise<void> {
  for (const fake of [first, second]) await fake.control.fault(fault);
  await until('it opens', async () => {
    await Promise.all([askTimes(2), askTimes(2)]);
    return (await stateOf(`${nameOf(first)}${level}`)) === 'open';
  });
  await second.control.clearFaults();
  await reset(nameOf(second));
  await until('both workers know that the other is well', () => everyWorker(`${nameOf(second)}${level}`, 'closed'));
  await until('both workers know', () => everyWorker(`${nameOf(first)}${level}`, 'open'));
}

test('a model that always fails on a host is left alone there by both workers, and every answer comes from the other', async () => {
  await openFirst({ fault: 'load-failure', path: '/api/chat' }, ` ${modelName}`);
  const asked = inferenceCount(first.control);
  assert.ok((await askTimes(10)).every(status => status === 200));
  assert.equal(inferenceCount(first.control), asked);
  assert.equal(await stateOf(nameOf(first)), 'closed', 'the host itself is well');
});

test('a host that is left alone is not asked about its models either, until `deci hosts reset-breaker` ends it', async () => {
  await openFirst({ fault: 'reset', path: '/api/chat' }, '');
  await first.control.clearFaults();
  const shows = (): number => first.control.state().requests.filter(({ path }) => path === '/api/show').length;
  const seen = shows();
  for (let time = 0; time < 6; time++) {
    const answer = await ask(cluster, '/api/show', { model });
    assert.deepEqual([answer.status, answer.headers.get('x-deci-upstream')], [200, nameOf(second)]);
  }
  assert.equal(shows(), seen);
  const done = await cluster.script(['src/cli.ts', 'hosts', 'reset-breaker', nameOf(first)]);
  assert.equal(done.code, 0, done.stderr);
  await until('both workers know', () => everyWorker(nameOf(first), 'closed'));
});

test('`deci hosts reset-breaker HOST MODEL` takes any name of the model', async () => {
  await openFirst({ fault: 'load-failure', path: '/api/chat' }, ` ${modelName}`);
  const done = await cluster.script(['src/cli.ts', 'hosts', 'reset-breaker', nameOf(first), model, '--json']);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, new RegExp(`${nameOf(first)} ${modelName}`));
  await until('both workers know', () => everyWorker(`${nameOf(first)} ${modelName}`, 'closed'));
  const unknown = await cluster.script(['src/cli.ts', 'hosts', 'reset-breaker', nameOf(first), 'nope']);
  assert.notEqual(unknown.code, 0);
});

test('what opened and closed is in the journal, once, and in the metrics', async () => {
  await openFirst({ fault: 'reset', path: '/api/chat' }, '');
  await until('the gauge tells', async () =>
    (await ask(cluster, '/metrics')).text.includes(
      `upstream_breaker_state{upstream="${nameOf(first)}",state="open"} 1`,
    ),
  );
  await first.control.clearFaults();
  await reset(nameOf(first));
  const ofFirst = async (): Promise<Json[]> =>
    (json(await ask(cluster, '/api/journal?healer=breaker&limit=20'))['data'] as Json[]).filter(
      ({ target }) => target === nameOf(first),
    );
  await until('the closing is written down', async () => {
    const [closed] = await ofFirst();
    return closed?.['action'] === 'close' && closed['result'] === 'healed';
  });
  const [, opened] = await ofFirst();
  assert.deepEqual([opened?.['action'], opened?.['result']], ['open', 'healed']);
  assert.match(JSON.stringify(opened?.['trigger']), /consecutive_failures|failure_rate/);
  assert.equal(opened?.['requests_affected'], null, 'attempts were counted, not requests');
});

test('both hosts gone: refused at once in every dialect, and answered again soon after one is back', async () => {
  await first.control.refuse({ cut: true });
  await second.control.refuse({ cut: true });
  await until('both open', async () => {
    await askTimes(2);
    const all = await breakers();
    return [first, second].every(fake => all.find(({ name }) => name === nameOf(fake))?.['state'] === 'open');
  });
  await until('both workers know', () => everyWorker(nameOf(first), 'open'));
  // An outage that has only begun is waited out.
  await until('nobody waits any more', async () => {
    const startedAt = performance.now();
    for (let index = 0; index < 4; index++) await ask(cluster, '/api/chat', question);
    return performance.now() - startedAt < 100;
  });
  for (const { name, path, body, error } of dialectCases) {
    const tookMs = await quickestMs(3, async () => {
      const answer = await ask(cluster, path, body);
      assert.equal(answer.status, 503, name);
      assert.match(String(error(answer.text)), /can be reached/);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
    });
    assert.ok(tookMs < 50, `${name}: ${tookMs} ms`);
  }
  await second.control.accept();
  const backAt = performance.now();
  await until('an answer comes again', async () => (await ask(cluster, '/api/chat', question)).status === 200);
  assert.ok(performance.now() - backAt < 5000);
  await until('it closes', async () => (await stateOf(nameOf(second))) === 'closed');
});

test('a host that was silent and speaks again is tried with one token when nobody asks', async () => {
  await ask(first, '/api/generate', { model, keep_alive: -1 });
  // Both: requests would keep away from one of them, long before it is left alone.
  for (const fake of [first, second]) await fake.control.fault({ fault: 'hang', path: '/api/*' });
  await until('it opens', async () => {
    await Promise.all([askTimes(1), askTimes(1), askTimes(1), askTimes(1)]);
    return (await stateOf(nameOf(first))) === 'open';
  });
  for (const fake of [first, second]) await fake.control.clearFaults();
  const seen = inferenceCount(first.control);
  const clearedAt = performance.now();
  await until('it closes', async () => (await stateOf(nameOf(first))) === 'closed');
  assert.ok(performance.now() - clearedAt < 10_000);
  const probes = first.control
    .state()
    .requests.slice(seen)
    .filter(request => request.path === '/api/generate');
  assert.ok(probes.length > 0, 'it was tried with a generation');
  assert.equal((probes[0]?.body as Json | undefined)?.['prompt'], '.');
});

test('refusals, missing models and clients that leave open nothing', async () => {
  for (const fake of [first, second])
    await fake.control.fault({ fault: 'status', status: 400, message: 'no', path: '/api/generate' });
  for (let index = 0; index < 8; index++) {
    assert.equal((await ask(cluster, '/api/chat', { ...question, model: 'nope' })).status, 404);
    assert.equal((await ask(cluster, '/api/generate', { model, prompt: 'x' })).status, 400);
  }
  for (const fake of [first, second]) await fake.control.fault({ fault: 'slow', ms: 5000, path: '/api/chat' });
  for (let index = 0; index < 8; index++) {
    const gone = fetch(`${cluster.url}/api/chat`, {
      method: 'POST',
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(50),
    });
    await assert.rejects(gone);
  }
  assert.ok((await breakers()).every(({ state }) => state === 'closed'));
});

test('what fails for one caller while another is served closes a host to nobody; what fails for both does', async () => {
  const anonymous = { url: cluster.url };
  const mine = (index: number): Json => ({ model, prompt: `mine ${index}`, stream: false });
  const theirs = (index: number): Json => chat(`theirs ${index}`, { stream: false });
  const error = { fault: 'status', status: 500, kind: 'json', message: 'no such tensor' } as const;
  for (const fake of [first, second]) await fake.control.fault({ ...error, path: '/api/generate' });
  for (let index = 0; index < 12; index++) {
    const [failed, served] = await Promise.all([
      ask(cluster, '/api/generate', mine(index)),
      ask(anonymous, '/api/chat', theirs(index)),
    ]);
    assert.equal(served.status, 200, `nobody else hears of it: ${index} ${served.text} ${failed.text}`);
    assert.ok(failed.status >= 500);
  }
  // A host that has served nobody else meanwhile may be left alone; where the others are served it is not.
  const closed = (await breakers()).filter(({ name, state }) => state === 'closed' && String(name).includes(' '));
  assert.ok(closed.length > 0);
  for (const fake of [first, second]) await fake.control.fault({ ...error, path: '/api/chat' });
  let index = 100;
  await until('one opens', async () => {
    index++;
    await Promise.all([ask(cluster, '/api/generate', mine(index)), ask(anonymous, '/api/chat', theirs(index))]);
    const open = (await breakers()).filter(({ state }) => state === 'open').map(({ name }) => name);
    return closed.some(({ name }) => open.includes(name));
  });
});
