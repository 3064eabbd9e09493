/** One answer that many want at once, of both workers: made once, as urgently as anybody wants it, and held up by nobody. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ask, chat, inferenceCount, type Json, json } from '../integration/wire.ts';
import { at, type Target } from '../support/keep-alive-load.ts';
import { doneContent, nativeLines, openStream } from '../support/open-stream.ts';
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

test('who comes late to the other worker gets what was said so far at once, and then what is said', async () => {
  cluster.control.setOptions({ tokens: 30, tokenMs: 50 });
  const [door, other] = doors as readonly [Target, Target];
  const question = chat('late at the other worker', fixed);
  const leading = await openStream(door, question);
  await leading.first;
  const following = await openStream(other, question);
  await following.first;
  const isLeadOver = await Promise.race([leading.ended.then(() => true), setImmediate(false)]);
  assert.equal(isLeadOver, false, 'he hears of it while it is said');
  const [led, followed] = await Promise.all([leading.ended, following.ended]);
  assert.ok(doneContent(led) !== undefined && doneContent(led) === doneContent(followed));
  assert.equal(inferenceCount(cluster.control), 1);
});

test('an answer that is read along at the other worker goes on when all who asked its own worker have left', async () => {
  cluster.control.setOptions({ tokens: 30, tokenMs: 50 });
  const [door, other] = doors as readonly [Target, Target];
  const question = chat('left by the first', fixed);
  const leading = await openStream(door, question);
  await leading.first;
  const following = await openStream(other, question);
  await following.first;
  leading.leave();
  await leading.ended;
  assert.notEqual(doneContent(await following.ended), undefined);
  assert.equal(inferenceCount(cluster.control), 1);
  // And it ends when the last one has left.
  const last = await openStream(door, chat('left by all', fixed));
  await last.first;
  const also = await openStream(other, chat('left by all', fixed));
  await also.first;
  last.leave();
  also.leave();
  await cluster.control.waitFor(state => state.aborted > 0);
});

test('a worker that leaves finishes what another one reads along; one that is killed makes it end with an error', async () => {
  await using one = await startCluster({ fakeOptions: { numParallel: 8, tokens: 40, tokenMs: 50 } });
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const [leader, follower] = (await one.workers()).map(({ pid }) => ({
      pid,
      target: { ...at(one, '/api/chat'), socketPath: join(one.runDir, `blue-${pid}.sock`) },
    })) as [{ pid: number; target: Target }, { pid: number; target: Target }];
    const question = chat(`led by one that gets ${signal}`, fixed);
    const leading = await openStream(leader.target, question);
    await leading.first;
    const following = await openStream(follower.target, question);
    await following.first;
    leading.leave();
    process.kill(leader.pid, signal);
    const end = await following.ended;
    assert.equal(end.whole, true, 'the stream ends as HTTP says it must');
    if (signal === 'SIGINT') assert.notEqual(doneContent(end), undefined);
    else assert.match(String(nativeLines(end.text).at(-1)?.error), /worker/);
    await until('there are two again', async () => {
      const now = await one.workers();
      return now.length === 2 && now.every(({ pid }) => pid !== leader.pid);
    });
  }
});
