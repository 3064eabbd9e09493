/** One answer that many want at once, of both workers: made once, as urgently as anybody wants it, and held up by nobody. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { ask, chat, inferenceCount, type Json, json } from '../integration/wire.ts';
import { at, type Target } from '../support/keep-alive-load.ts';
import { doneContent, openStream } from '../support/open-stream.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

let cluster: TestCluster;
/** A door of each worker. */
let doors: readonly Target[];

before(async () => {
  cluster = await startCluster({ fakeOptions: { numParallel: 8, tokens: 20 } });
  const workers = await cluster.workers();
  assert.equal(workers.length, 2);
  doors = workers.map(({ pid }) => ({
    ...at(cluster, '/api/chat'),
    socketPath: join(cluster.runDir, `blue-${pid}.sock`),
  }));
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const fixed = { options: { temperature: 0 } };

test('a hundred equal streams of two workers are one generation', async () => {
  cluster.control.setOptions({ firstTokenMs: 300, tokenMs: 5 });
  const question = chat('a hundred streams', fixed);
  const opened = await Promise.all(
    Array.from({ length: 100 }, (_, index) => openStream(doors[index % 2] as Target, question)),
  );
  const answers = await Promise.all(opened.map(async ({ ended }) => doneContent(await ended)));
  assert.equal(inferenceCount(cluster.control), 1);
  assert.equal(new Set(answers).size, 1);
  assert.ok((answers[0] ?? '').length > 0, 'and it is whole');
});

test('an answer that waits in the line as background is raised by who wants it, at whichever worker', async () => {
  await using one = await startCluster({ slots: { model: 1, host: 1 }, fakeOptions: { tokens: 2, numParallel: 2 } });
  const sockets = (await one.workers()).map(({ pid }) => join(one.runDir, `blue-${pid}.sock`));
  const line = async (): Promise<string[]> =>
    (json(await ask(one, '/api/admin/queue'))['data'] as Json[]).map(({ priority }) => String(priority));
  for (const socketPath of sockets) {
    await one.control.reset();
    await one.control.fault({ fault: 'hang', path: '/api/chat', times: 1 });
    const leaving = new AbortController();
    const body = JSON.stringify(chat('occupied'));
    const occupied = fetch(`${one.url}/api/chat`, { method: 'POST', body, signal: leaving.signal });
    await one.control.waitFor(state => state.requests.some(({ path }) => path === '/api/chat'));
    const shared = chat(`wanted at ${socketPath}`, fixed);
    const lead = openStream({ ...at(one, '/api/chat'), socketPath: sockets[0] as string }, shared, false, {
      'x-deci-priority': 'background',
    });
    await until('it waits', async () => (await line()).length === 1);
    assert.deepEqual(await line(), ['background']);
    const follows = openStream({ ...at(one, '/api/chat'), socketPath }, shared);
    await until('it is raised', async () => (await line())[0] === 'interactive');
    assert.equal((await line()).length, 1, 'and still one');
    leaving.abort();
    await occupied.catch(() => undefined);
    const answers = await Promise.all([lead, follows].map(async opening => doneContent(await (await opening).ended)));
    assert.equal(new Set(answers).size, 1);
    assert.notEqual(answers[0], undefined);
  }
});

test('a client that stalls in the middle of a shared answer keeps it from nobody at the other worker', async () => {
  const question = chat(`echo:${'x'.repeat(30 * 43_000)}`, fixed);
  const [door, other] = doors as readonly [Target, Target];
  const text = JSON.stringify(question);
  const deaf = connect(door.socketPath as string).on('error', () => undefined);
  deaf.pause();
  deaf.write(
    `POST /api/chat HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: ${cluster.key}\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  await cluster.control.waitFor(state => state.generations === 1);
  const content = doneContent(await (await openStream(other, question)).ended);
  assert.equal(content?.length, 30 * 43_000);
  deaf.destroy();
});
