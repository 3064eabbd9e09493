/** One line in front of two workers: the order holds between them, and a worker that stands still holds nobody up. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Answer, ask, chat, type Json, json } from '../integration/wire.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({
    slots: { model: 1, host: 1 },
    fakeOptions: { numParallel: 4, tokens: 2, tokenMs: 10 },
  });
});
after(() => cluster?.stop());
beforeEach(async () => {
  await cluster.control.reset();
  cluster.control.setOptions({ tokens: 2, tokenMs: 10 });
  await until('nobody waits', async () => (await waiting()).length === 0);
});

async function waiting(): Promise<Json[]> {
  return json(await ask(cluster, '/api/admin/queue'))['data'] as Json[];
}

const asked = (): string[] =>
  cluster.control
    .state()
    .requests.filter(({ path }) => path === '/api/chat')
    .map(({ body }) => ((body as Json)['messages'] as Json[])[0]?.['content'] as string);

/** Somebody has the only slot until he is let go. */
async function occupied(): Promise<() => Promise<void>> {
  await cluster.control.fault({ fault: 'hang', path: '/api/chat', times: 1 });
  const leaving = new AbortController();
  const held = fetch(`${cluster.url}/api/chat`, {
    method: 'POST',
    body: JSON.stringify(chat('occupied', { stream: false })),
    signal: leaving.signal,
  }).catch(() => undefined);
  await cluster.control.waitFor(state => state.requests.some(({ path }) => path === '/api/chat'));
  return async () => {
    leaving.abort();
    await held;
  };
}

/** Each on a connection of its own, so that PM2 hands them to the workers in turn. */
function askApart(server: { readonly url: string; readonly key?: string }, text: string): Promise<Answer> {
  return ask(server, '/api/chat', chat(text, { stream: false }), { headers: { connection: 'close' } });
}

test('callers of both workers stand in one line, and each owner has his turn', async () => {
  const release = await occupied();
  const answers: Array<Promise<Answer>> = [];
  for (let index = 1; index <= 8; index++) {
    answers.push(askApart(cluster, `a${index}`));
    await until('it waits', async () => (await waiting()).length === index);
  }
  for (let index = 1; index <= 2; index++) {
    answers.push(askApart({ url: cluster.url }, `b${index}`));
    await until('it waits', async () => (await waiting()).length === 8 + index);
  }
  const line = (await waiting()).map(({ owner, position }) => [owner === 'local' ? 'b' : 'a', position]);
  assert.deepEqual(
    line.map(([, position]) => position),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(line.map(([owner]) => owner).join(''), 'ababaaaaaa');
  await release();
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.deepEqual(asked(), ['occupied', 'a1', 'b1', 'a2', 'b2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8']);
});

test('a worker that stands still keeps a slot from nobody', async () => {
  const release = await occupied();
  const answers: Array<Promise<Answer>> = [];
  for (let index = 1; index <= 6; index++) {
    answers.push(askApart(cluster, `c${index}`));
    await until('it waits', async () => (await waiting()).length === index);
  }
  // The one that does not hold the slot.
  const workers = await cluster.workers();
  const idle = workers.toSorted((a, b) => a.active - b.active)[0];
  assert.ok(idle !== undefined);
  const [running] = workers.filter(({ pid }) => pid !== idle.pid);
  assert.ok(running !== undefined);
  process.kill(idle.pid, 'SIGSTOP');
  try {
    await release();
    await until('the other serves its own', () => asked().length >= 3, 5000);
  } finally {
    process.kill(idle.pid, 'SIGCONT');
  }
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.equal(asked().length, 7);
});
