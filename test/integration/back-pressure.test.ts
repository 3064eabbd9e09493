/** Slow and deaf clients: what Ollama sends waits with Ollama, not in a worker, and nothing of it is lost. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { abortSeen, ask, chat, lines, PeakRss, rawPost } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  // Shorter than the time in which nothing moves here: a pause of ours must not be taken for a stall of Ollama.
  cluster = await startCluster({ env: { STALL_TIMEOUT: '3s' }, fakeOptions: { numParallel: 16 } });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

/** An echo that fills so many megabytes of NDJSON: 4 characters a line of about 98 bytes. Sockets hold some 20 MB of it. */
const megabytes = (count: number): string => `echo:${'x'.repeat(count * 43_000)}`;
const watchMs = 2000;

const requests = [
  { path: '/api/chat', body: chat(megabytes(60)) },
  { path: '/v1/chat/completions', body: chat(megabytes(60), { stream: true }) },
  { path: '/v1/messages', body: chat(megabytes(60), { stream: true, max_tokens: 10_000_000 }) },
] as const;

for (const { path, body } of requests) {
  test(`${path}: four clients that do not read leave the workers' memory flat while 240 MB wait`, async () => {
    // The first answer of a kind makes the engine compile; that is no growth by what is sent.
    await ask(cluster, path, { ...body, messages: [{ role: 'user', content: megabytes(1) }] });
    const peak = await PeakRss.watch(cluster);
    const deaf: Socket[] = [];
    const { generations } = cluster.control.state();
    while (deaf.length < 4) {
      deaf.push(rawPost(cluster.port, path, body).pause());
      // One by one: the fake is busy for a while with so long an answer, which must not look like a stall of the last.
      await cluster.control.waitFor(state => state.generations >= generations + deaf.length);
    }
    // There is no event for "nothing more happens": this is how long memory is looked at.
    await wait(watchMs);
    const grownMb = peak.stop();
    const { aborted } = cluster.control.state();
    const open = cluster.control
      .state()
      .requests.filter(({ outcome, path: at }) => at === '/api/chat' && outcome === 'open');
    assert.equal(open.length, 4, 'all of them are still being sent');
    for (const socket of deaf) socket.destroy();
    await abortSeen(cluster.control, aborted, 4);
    assert.ok(grownMb < 80, `a worker grew by ${grownMb.toFixed(0)} MB`);
  });
}

test('a client that was deaf for longer than the stall limit gets everything in the end', async () => {
  const socket = rawPost(cluster.port, '/api/chat', chat(megabytes(25))).pause();
  await cluster.control.waitFor(state => state.generations > 0);
  await wait(3500);
  let text = '';
  for await (const piece of socket) text += String(piece);
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text, /"done":true/);
  assert.equal(text.match(/"content":"x/g)?.length, (25 * 43_000) / 4);
});

test('a whole answer of many megabytes is gathered and given out', async () => {
  const { text } = await ask(cluster, '/api/chat', chat(megabytes(4), { stream: false }));
  assert.equal(lines(text).length, 1);
  assert.equal((JSON.parse(text) as { message: { content: string } }).message.content.length, 4 * 43_000);
});
