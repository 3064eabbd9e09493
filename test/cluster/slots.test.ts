/** Slots hold over all workers: under more callers than places, when callers hang up, and when workers are killed. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { FakeState } from '../fake-ollama/recorder.ts';
import { type Answer, ask, chat, type Json, json, lines, rawPost } from '../integration/wire.ts';
import { leasesOf } from '../support/cluster-leases.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const slots = { model: 2, host: 3 };
const models = ['llama3.2', 'qwen3', 'gemma3'];

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({
    slots,
    env: { QUEUE_MAX: '100' },
    fakeOptions: { models, numParallel: 64, tokens: 4, tokenMs: 5 },
  });
});
after(() => cluster?.stop());
beforeEach(async () => {
  await until('all slots are free', async () => (await inUse()) === 0);
  await cluster.control.reset();
  cluster.control.setOptions({ tokens: 4, tokenMs: 5 });
});

async function inUse(): Promise<unknown> {
  const answer = await ask(cluster, '/api/admin/hosts');
  const [host] = json(answer)['data'] as Json[];
  return (host?.['slots'] as Json | undefined)?.['in_use'];
}

/** The most that the fake worked on at once, for one model and for all. */
class Most {
  model = 0;
  readonly #stop = new AbortController();
  readonly #watching: Promise<unknown>;

  constructor() {
    this.#watching = cluster.control.waitFor(state => this.#see(state), this.#stop.signal).catch(() => undefined);
  }

  async end(): Promise<{ model: number; host: number }> {
    this.#stop.abort();
    await this.#watching;
    return { model: this.model, host: cluster.control.state().maxConcurrent };
  }

  #see(state: FakeState): false {
    for (const { users } of Object.values(state.models)) this.model = Math.max(this.model, users);
    return false;
  }
}

/** The most that waited in all workers together, looked at as one of them would. */
class MostWaiting {
  most = 0;
  readonly #leases = leasesOf(cluster.runDir);
  readonly #timer = setInterval(() => {
    this.most = Math.max(this.most, this.#leases.repository.list({ kind: 'queue' }).length);
  }, 2);

  end(): number {
    clearInterval(this.#timer);
    this.#leases[Symbol.dispose]();
    return this.most;
  }
}

/** Nothing is left of those who were killed, neither a slot nor a place in line. */
async function nothingIsHeld(): Promise<void> {
  using leases = leasesOf(cluster.runDir);
  await until('nothing is held', () => ['slot', 'queue'].every(kind => leases.repository.list({ kind }).length === 0));
}

function isWhole({ text }: Answer): boolean {
  return lines(text).at(-1)?.['done'] === true;
}

test('500 callers at once: never more at a host than there are slots, and everybody is answered or refused', async () => {
  const most = new Most();
  const line = new MostWaiting();
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, index) =>
      ask(cluster, '/api/chat', { ...chat(`caller ${index}`), model: models[index % models.length] }),
    ),
  );
  const waited = line.end();
  assert.ok(waited > 50 && waited <= 100, `${waited} waited`);
  const served = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503);
  assert.equal(served.length + refused.length, 500);
  assert.ok(served.every(isWhole));
  // Those who may wait, and those who found a slot.
  assert.ok(served.length >= 100, `${served.length} were served`);
  assert.ok(refused.length > 0);
  for (const { headers, text } of refused) {
    assert.match(text, /too many callers wait/);
    const seconds = Number(headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 30);
    assert.equal(headers.get('x-should-retry'), 'true');
  }
  assert.ok(served.some(({ headers }) => Number(headers.get('x-deci-queue-ms')) > 0));
  const { model, host } = await most.end();
  assert.ok(model <= slots.model && host <= slots.host, `${model} of one model, ${host} in all`);
  assert.equal(host, slots.host);
  await until('all slots are free', async () => (await inUse()) === 0);
  const metrics = (await ask(cluster, '/metrics')).text;
  assert.match(metrics, /^queue_depth 0$/m);
  assert.match(metrics, /^queue_wait_seconds_count [1-9]/m);
  assert.match(metrics, /^deci_queue_refused_total\{code="queue_full"\} [1-9]/m);
  assert.match(metrics, /^deci_slots_in_use\{upstream="[^"]+"\} 0$/m);
});

test('embeddings take slots as well, in every dialect', async () => {
  const most = new Most();
  cluster.control.addModel('nomic-embed-text', ['embedding']);
  const model = 'nomic-embed-text';
  const asked = ['/api/embed', '/v1/embeddings', '/api/embeddings'].flatMap(path =>
    Array.from({ length: 20 }, () => ask(cluster, path, { model, input: 'text', prompt: 'text' })),
  );
  const answers = await Promise.all(asked);
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  );
  assert.ok((await most.end()).model <= slots.model);
});

test('who hangs up frees the slot, and leaves the line', async () => {
  const { control } = cluster;
  control.setOptions({ tokens: 10_000 });
  const sockets = Array.from({ length: 6 }, () => rawPost(cluster.port, '/api/chat', chat('long')));
  await control.waitFor(state => state.active === slots.model, AbortSignal.timeout(5000));
  await until('the others wait', async () => /^queue_depth 4$/m.test((await ask(cluster, '/metrics')).text));
  assert.match((await ask(cluster, '/metrics')).text, /^deci_queue_waiting\{priority="interactive"\} 4$/m);
  for (const socket of sockets) socket.destroy();
  await until('all slots are free', async () => (await inUse()) === 0);
  await until('nobody waits', async () => /^queue_depth 0$/m.test((await ask(cluster, '/metrics')).text));
  assert.equal(control.state().active, 0);
  control.setOptions({ tokens: 4 });
  assert.ok(isWhole(await ask(cluster, '/api/chat', chat('next'))));
});

test('10 workers killed at random moments: slots and line are never exceeded, and nothing is lost', async () => {
  const most = new Most();
  const line = new MostWaiting();
  const load = { on: true, whole: 0 };
  const callers = Array.from({ length: 140 }, async (_, index) => {
    while (load.on) {
      const answer = await ask(cluster, '/api/chat', { ...chat('x'), model: models[index % models.length] }).catch(
        () => undefined,
      );
      if (answer?.status === 200 && isWhole(answer)) load.whole++;
    }
  });
  for (let kill = 0; kill < 10; kill++) {
    const ready = await twoReady();
    const answered = load.whole;
    await until('some are answered', () => load.whole > answered + 3);
    const victim = ready[Math.floor(Math.random() * ready.length)];
    assert.ok(victim !== undefined);
    process.kill(victim, 'SIGKILL');
  }
  await twoReady();
  const answered = load.whole;
  await until('all slots are used again', () => load.whole > answered + 20);
  load.on = false;
  await Promise.all(callers);
  const { model, host } = await most.end();
  assert.ok(model <= slots.model && host <= slots.host, `${model} of one model, ${host} in all`);
  const waited = line.end();
  assert.ok(waited > 50 && waited <= 100, `${waited} waited`);
  await nothingIsHeld();
});

async function twoReady(): Promise<number[]> {
  let pids: number[] = [];
  await until(
    'two workers are ready',
    async () => {
      const workers = await cluster.workers();
      pids = workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid);
      return pids.length === 2;
    },
    20_000,
  );
  return pids;
}
