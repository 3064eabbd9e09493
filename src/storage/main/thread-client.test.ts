import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { holdLock } from '../../../test/faults/hold-lock.ts';
import { until } from '../../../test/support/until.ts';
import { prepareDatabase } from './open-database.ts';
import { ThreadClient, type ThreadClientOptions } from './thread-client.ts';
import type { ThreadTask } from './thread-messages.ts';

const write: ThreadTask = {
  is: 'batch',
  statements: [{ sql: `INSERT INTO healer_settings VALUES (lower(hex(randomblob(8))), 'on', 'test', '2026')` }],
};

async function client(t: TestContext, over: Partial<ThreadClientOptions> = {}): Promise<ThreadClient> {
  const dir = mkdtempSync(join(tmpdir(), 'deci-thread-'));
  const made = new ThreadClient({
    path: join(dir, 'deci.sqlite'),
    checkMaxBytes: 1e6,
    maxWalBytes: 1e6,
    slowMs: 1e6,
    idleMs: 10_000,
    maxWaiting: 2,
    onSlow: () => undefined,
    ...over,
  });
  t.after(async () => {
    await made.close();
    rmSync(dir, { recursive: true, force: true });
  });
  await made.ask({ is: 'prepare', mayCreate: true }, 5000);
  return made;
}

/** Keeps the first write from ending, so that the others wait behind it. */
async function blocked(t: TestContext, over: Partial<ThreadClientOptions> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'deci-thread-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'deci.sqlite');
  const thread = await client(t, { path, ...over });
  const lock = await holdLock(path, 'write');
  t.after(lock.release);
  return { thread, lock };
}

test('a thread that has had nothing to do for a while ends, and is started again when there is something', async t => {
  const thread = await client(t, { idleMs: 20 });
  assert.equal(thread.isRunning, true);
  await until('the idle thread has ended', () => !thread.isRunning);
  const [result] = await thread.ask(write, 5000);
  assert.equal(result?.changes, 1);
  assert.equal(thread.isRunning, true);
});

test('more than may wait is refused at once, and was not written', async t => {
  const { thread, lock } = await blocked(t);
  const written = [1, 2, 3].map(() => thread.ask(write, 5000));
  await assert.rejects(thread.ask(write, 5000), { outcome: 'not_written', message: /2 writes are waiting already/ });
  await lock.release();
  assert.equal((await Promise.all(written)).length, 3);
});

test('a caller that leaves while it waits gets its reason, and nothing is written for it', async t => {
  const { thread, lock } = await blocked(t);
  const first = thread.ask(write, 5000);
  const leaving = new AbortController();
  const second = thread.ask(write, 5000, leaving.signal);
  leaving.abort(new Error('gone'));
  await assert.rejects(second, /gone/);
  await lock.release();
  await first;
  const [result] = await thread.ask(
    { is: 'batch', statements: [{ sql: 'SELECT count(*) AS n FROM healer_settings' }] },
    5000,
  );
  assert.deepEqual(
    result?.rows.map(row => row['n']),
    [1],
  );
  await assert.rejects(thread.ask(write, 5000, leaving.signal), /gone/);
});

test('a write whose turn does not come in time was not written and says so', async t => {
  const { thread } = await blocked(t);
  const first = thread.ask(write, 1000);
  const second = thread.ask(write, 100);
  await assert.rejects(second, { reason: 'locked', outcome: 'not_written' });
  await assert.rejects(first, { reason: 'locked', outcome: 'not_written' });
});

/** Opening a pipe to read hangs until somebody writes, and nothing can end a thread that does. */
function hangingTask(pipe: string): ThreadTask {
  return { is: 'batch', statements: [{ sql: `ATTACH 'file:${pipe}?mode=ro' AS pipe` }] };
}

test('two threads that cannot be ended are enough: no third one is started until they are gone', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-thread-'));
  const [path, pipe] = [join(dir, 'deci.sqlite'), join(dir, 'pipe')];
  execFileSync('mkfifo', [pipe]);
  const release = () => closeSync(openSync(pipe, 'r+'));
  t.after(release);
  const thread = await client(t, { path });
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const hang = () => thread.ask(hangingTask(pipe), 50);
  await assert.rejects(hang(), { outcome: 'unknown' });
  // Another file in the place of the one whose lock the hanging thread holds.
  for (const ending of ['', '-wal', '-shm']) renameSync(`${path}${ending}`, `${path}.held${ending}`);
  prepareDatabase({ path, checkMaxBytes: 1e6, timeoutMs: 1000, mayCreate: true });
  // One may hang by itself: the next one writes.
  await thread.ask(write, 5000);
  const [second, waiting] = [hang(), thread.ask(write, 5000)];
  await assert.rejects(second, { outcome: 'unknown' });
  const refused = { reason: 'unavailable', outcome: 'not_written', message: /2 threads hang/ };
  await assert.rejects(waiting, refused);
  await assert.rejects(thread.ask(write, 5000), refused);
  assert.equal(thread.isRunning, false);
  release();
  await until('it takes writes again', () =>
    thread.ask(write, 5000).then(
      () => true,
      () => false,
    ),
  );
});

test('a wrong statement is the error it is, and leaves no transaction open', async t => {
  const thread = await client(t);
  await assert.rejects(thread.ask({ is: 'batch', statements: [{ sql: 'SELECT nonsense' }] }, 5000), { errcode: 1 });
  await thread.ask(write, 5000);
});
