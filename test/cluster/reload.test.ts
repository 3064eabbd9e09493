/** A reload loses nothing: no request of a client that keeps its connection, and not a token of a stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, startLoad } from '../support/keep-alive-load.ts';
import { doneContent, openStream } from '../support/open-stream.ts';
import { startCluster } from '../support/start-cluster.ts';

const streams = 20;
const clients = 50;
const reloads = 3;
const story = { model: 'qwen3', messages: [{ role: 'user', content: 'A long story' }], options: { num_predict: 80 } };
const short = { model: 'llama3.2', messages: [{ role: 'user', content: 'Hi' }], stream: false };

test('three reloads under 50 keep-alive clients and 20 open streams fail nothing and cut nothing', async () => {
  await using cluster = await startCluster({ env: { DRAIN_TIMEOUT: '30s' }, fakeOptions: { numParallel: 128 } });
  const expected = doneContent(await (await openStream(at(cluster.fake, '/api/chat'), story)).ended);
  assert.ok(expected !== undefined && expected.length > 80);
  cluster.control.setOptions({ tokens: 1, tokenMs: 25 });

  const before = await cluster.workers();
  const load = startLoad(at(cluster, '/api/chat'), clients, short);
  const telling = { on: true };
  const stories = Array.from({ length: streams }, async () => {
    const told: Array<string | undefined> = [];
    while (telling.on) told.push(doneContent(await (await openStream(at(cluster, '/api/chat'), story)).ended));
    return told;
  });
  for (let round = 0; round < reloads; round += 1) {
    const requestsBefore = load.requests;
    const { code, output } = await cluster.pm2(['reload', 'deci-blue']);
    assert.equal(code, 0, output);
    assert.ok(load.requests > requestsBefore, 'the load stood still during the reload');
  }
  telling.on = false;
  const told = (await Promise.all(stories)).flat();
  const { requests, failures } = await load.stop();

  assert.deepEqual(failures, []);
  assert.ok(requests > 1000, `only ${requests} requests`);
  assert.ok(told.length >= streams * reloads, `only ${told.length} streams`);
  assert.equal(told.filter(content => content !== expected).length, 0, 'a stream was cut or out of order');
  const afterwards = await cluster.workers();
  assert.equal(afterwards.length, before.length);
  assert.ok(afterwards.every(worker => before.every(old => old.pid !== worker.pid)));
});
