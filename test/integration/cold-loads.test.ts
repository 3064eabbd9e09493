/** A model that is loaded nowhere is loaded once, however many want it at once, on however many workers. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { ask, chat } from './wire.ts';

const options = { models: ['one', 'two', 'three'], loadMs: 400, numParallel: 12 };

let first: FakeOllama;
let second: FakeOllama;
let cluster: TestCluster;

before(async () => {
  [first, second] = await Promise.all([startFakeOllama(options), startFakeOllama(options)]);
  cluster = await startCluster({
    workers: 2,
    env: {
      CACHE: 'off',
      OLLAMA_URLS: `${first.url}#slots=12,${second.url}#slots=12`,
      OLLAMA_MAX_CONNECTIONS: '12',
      OLLAMA_HEALTH_INTERVAL: '30s',
      BREAKER_FAILURES: 'off',
    },
  });
});
after(async () => {
  await cluster?.stop();
  await Promise.all([first?.stop(), second?.stop()]);
});
beforeEach(() => Promise.all([first.control.reset(), second.control.reset()]));

const loadsOf = ({ control }: FakeOllama, model: string): number =>
  control.state().models[`${model}:latest`]?.loads ?? 0;
const loads = (model: string): number => loadsOf(first, model) + loadsOf(second, model);
const askFor = (model: string) => ask(cluster, '/api/chat', { ...chat('hello'), model, stream: false });

test('twelve at once on two workers make one host load it, and all are answered', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => askFor('one')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(loads('one'), 1);
});

test('whoever comes later, to whichever worker, is sent where it is loaded', async () => {
  await askFor('two');
  for (let count = 0; count < 8; count++) assert.equal((await askFor('two')).status, 200);
  assert.equal(loads('two'), 1);
});

test('a load that fails is made elsewhere', async () => {
  await first.control.fault({ fault: 'status', status: 500, path: '/api/chat', model: 'three' });
  const answers = await Promise.all(Array.from({ length: 6 }, () => askFor('three')));
  assert.ok(
    answers.every(({ status }) => status === 200),
    answers.map(({ text }) => text).join('\n'),
  );
  await until('it is loaded on the other', () => loadsOf(second, 'three') === 1);
});
