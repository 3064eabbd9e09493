/** Recorded and shared answers through the death of workers, and a shared cache that is damaged under them. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { overwriteHeader, overwriteMiddlePage } from '../faults/damage-file.ts';
import { ask, json } from '../integration/wire.ts';
import { at } from '../support/keep-alive-load.ts';
import { doneContent, openStream } from '../support/open-stream.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const question = (text: string, tokens = 20): object => ({
  model: 'llama3.2',
  messages: [{ role: 'user', content: text }],
  options: { temperature: 0, num_predict: tokens },
});

/** Each on a connection of its own, so that both workers get some. */
async function askedOf(cluster: TestCluster, body: object): Promise<{ cache: string | null; text: string }> {
  const response = await fetch(`${cluster.url}/api/chat`, {
    method: 'POST',
    headers: { 'x-api-key': cluster.key, connection: 'close' },
    body: JSON.stringify({ ...body, stream: false }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return { cache: response.headers.get('x-deci-cache'), text };
}

async function killed(cluster: TestCluster, victim: number): Promise<void> {
  process.kill(victim, 'SIGKILL');
  await until('the workers serve again', async () => {
    const workers = await cluster.workers();
    return workers.length === 2 && workers.every(({ state, pid }) => state === 'ready' && pid !== victim);
  });
}

test('when the worker that generates a shared answer is killed, those who have had nothing of it are answered', async () => {
  // Long enough for all to be there before the first word is.
  await using cluster = await startCluster({ fakeOptions: { firstTokenMs: 3000, numParallel: 8 } });
  const story = question('a story', 100);
  const lead = openStream(at(cluster, '/api/chat'), story);
  lead.catch(() => undefined);
  await cluster.control.waitFor(state => state.generations === 1);
  const leader = (await cluster.workers()).find(({ active }) => active === 1);
  assert.ok(leader !== undefined);
  const followers = Array.from({ length: 10 }, () => openStream(at(cluster, '/api/chat'), story));
  await until('all are under way', async () => {
    const workers = await cluster.workers();
    return workers.reduce((sum, { active }) => sum + active, 0) === 11;
  });
  const other = (await cluster.workers()).find(({ pid }) => pid !== leader.pid);
  assert.ok(other !== undefined && other.active > 0);
  assert.equal(cluster.control.state().generations, 1, 'one generation for all');
  process.kill(leader.pid, 'SIGKILL');
  const ends = await Promise.all(followers.map(async opening => doneContent(await (await opening).ended)).map(settled));
  assert.equal(ends.filter(text => text !== undefined).length, other.active);
  assert.equal(new Set(ends.filter(text => text !== undefined)).size, 1);
  assert.equal(cluster.control.state().generations, 2, 'one more, by a new leader');
});

/** A stream of the killed worker may end before it has begun. */
async function settled(content: Promise<string | undefined>): Promise<string | undefined> {
  return await content.catch(() => undefined);
}

async function rebuilds(cluster: TestCluster): Promise<ReadonlyArray<{ action: string; result: string }>> {
  const answer = await ask(cluster, '/api/journal?healer=shared-cache');
  return (json(answer) as { data: Array<{ action: string; result: string }> }).data.filter(
    ({ action }) => action === 'rebuild',
  );
}

test('what was recorded survives the workers, and a damaged shared cache is rebuilt without a failed request', async () => {
  await using cluster = await startCluster();
  const first = await askedOf(cluster, question('kept'));
  assert.equal(first.cache, 'miss');
  // One after the other: with nobody left to listen, the port would be another one.
  for (const { pid } of await cluster.workers()) await killed(cluster, pid);
  for (let i = 0; i < 4; i++) assert.deepEqual(await askedOf(cluster, question('kept')), { ...first, cache: 'hit' });

  const dir = join(cluster.runDir, 'cache');
  const file = (): string => {
    const [name] = readdirSync(dir).filter(entry => entry.endsWith('.sqlite'));
    assert.ok(name !== undefined);
    return join(dir, name);
  };
  for (const damage of [overwriteHeader, overwriteMiddlePage]) {
    const before = file();
    damage(before);
    for (let i = 0; i < 10; i++) await askedOf(cluster, question(`after ${damage.name} ${i}`));
    for (let i = 0; i < 4; i++)
      assert.equal((await askedOf(cluster, question('once more'))).text.includes('"done":true'), true);
  }
  rmSync(dir, { recursive: true });
  await askedOf(cluster, question('after the folder was removed'));
  // Written before anything is done, and completed behind it.
  await until('it is in the journal', async () => {
    const records = await rebuilds(cluster);
    return records.length > 0 && records.every(({ result }) => result !== null);
  });
  for (const { action, result } of await rebuilds(cluster)) assert.deepEqual([action, result], ['rebuild', 'healed']);
  await until('what is recorded is shared again', async () => {
    await askedOf(cluster, question('in the end'));
    const answers = await Promise.all(Array.from({ length: 6 }, () => askedOf(cluster, question('in the end'))));
    return answers.every(({ cache }) => cache === 'hit');
  });
});
