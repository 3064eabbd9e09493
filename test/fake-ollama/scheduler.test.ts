import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { ManualTiming } from './manual-timing.ts';
import { describeModel } from './models.ts';
import { DEFAULT_OPTIONS, type FakeOptions } from './options.ts';
import { runnerSettings } from './runner-options.ts';
import { type RunnerRequest, Scheduler } from './scheduler.ts';

const llama = describeModel('llama3.2:latest');
const qwen = describeModel('qwen3:latest');
const embedder = describeModel('nomic-embed-text:latest');
const never = new AbortController().signal;

function setUp(changes: Partial<FakeOptions> = {}) {
  const timing = new ManualTiming();
  return { timing, scheduler: new Scheduler({ ...DEFAULT_OPTIONS, ...changes }, timing, () => {}) };
}

function ask(model = llama, options: Record<string, unknown> = {}, keepAliveMs?: number): RunnerRequest {
  return { model, settings: runnerSettings(options, undefined), keepAliveMs };
}

test('a model is loaded once and then used by everybody', async () => {
  const { scheduler } = setUp();
  const first = await scheduler.acquire(ask(), never);
  const second = scheduler.tryAcquire(ask());
  assert.equal(second, first);
  assert.deepEqual(scheduler.counts(llama), { loads: 1, evictions: 0 });
});

test('another num_ctx reloads the model, but not before its user is done', async () => {
  const { scheduler } = setUp();
  const first = await scheduler.acquire(ask(), never);
  let reloaded = false;
  const second = scheduler.acquire(ask(llama, { num_ctx: 8192 }), never).then(runner => {
    reloaded = true;
    return runner;
  });
  await settled();
  assert.equal(reloaded, false);
  scheduler.release(first);
  assert.equal((await second).contextLength, 8192);
  assert.deepEqual(scheduler.counts(llama), { loads: 2, evictions: 1 });
});

test('asking for the context length that is loaded already does not reload', async () => {
  const { scheduler } = setUp();
  scheduler.release(await scheduler.acquire(ask(llama, { num_ctx: 8192 }), never));
  assert.ok(scheduler.tryAcquire(ask(llama, { num_ctx: 8192 })));
  assert.equal(scheduler.tryAcquire(ask(llama, { num_ctx: 8192, num_gpu: 1 })), undefined);
  assert.equal(scheduler.tryAcquire(ask(llama)), undefined);
});

test('with no room left an idle model is evicted before a busy one', async () => {
  const { scheduler } = setUp({ maxLoaded: 2 });
  await scheduler.acquire(ask(llama), never);
  scheduler.release(await scheduler.acquire(ask(qwen), never));
  await scheduler.acquire(ask(embedder), never);
  const names = scheduler.loaded().map(runner => runner.model.name.model);
  assert.deepEqual(names.sort(), ['llama3.2', 'nomic-embed-text']);
  assert.equal(scheduler.counts(qwen).evictions, 1);
});

test('a slow load holds up the load of every other model', async () => {
  const { scheduler, timing } = setUp({ loadMs: 100 });
  const done: string[] = [];
  void scheduler.acquire(ask(llama), never).then(() => done.push('llama'));
  void scheduler.acquire(ask(qwen), never).then(() => done.push('qwen'));
  await settled();
  timing.advance(100);
  await settled();
  assert.deepEqual(done, ['llama']);
  timing.advance(100);
  await settled();
  assert.deepEqual(done, ['llama', 'qwen']);
});

test('only requests that need a load meet the limit of the queue', async () => {
  const { scheduler } = setUp({ maxQueue: 1, loadMs: 100 });
  const { timing, scheduler: ready } = setUp({ maxQueue: 1, loadMs: 100 });
  void scheduler.acquire(ask(llama), never);
  void scheduler.acquire(ask(llama), never);
  await assert.rejects(scheduler.acquire(ask(qwen), never), {
    status: 503,
    message: 'server busy, please try again.  maximum pending requests exceeded',
  });
  const loaded = ready.acquire(ask(llama), never);
  await settled();
  timing.advance(100);
  await loaded;
  void ready.acquire(ask(qwen), never);
  for (let count = 0; count < 100; count++) assert.ok(ready.tryAcquire(ask(llama)));
});

test('a model leaves when its keep_alive has passed since its last use', async () => {
  const { scheduler, timing } = setUp({ keepAliveMs: 1000 });
  const runner = await scheduler.acquire(ask(), never);
  timing.advance(5000);
  assert.equal(scheduler.loaded().length, 1);
  scheduler.release(runner);
  assert.equal(runner.expiresAtMs, timing.now() + 1000);
  timing.advance(999);
  assert.equal(scheduler.loaded().length, 1);
  timing.advance(1);
  assert.equal(scheduler.loaded().length, 0);
});

test('keep_alive of the last request wins: 0 unloads after it, infinity never does', async () => {
  const { scheduler, timing } = setUp();
  scheduler.release(await scheduler.acquire(ask(llama, {}, Number.POSITIVE_INFINITY), never));
  timing.advance(10 * 365 * 24 * 3_600_000);
  assert.equal(scheduler.loaded().length, 1);
  scheduler.release(await scheduler.acquire(ask(llama, {}, 0), never));
  assert.equal(scheduler.loaded().length, 0);
});

test('a client that leaves while its model loads gives up the load', async () => {
  const { scheduler, timing } = setUp({ loadMs: 100 });
  const client = new AbortController();
  const lost = scheduler.acquire(ask(), client.signal);
  await settled();
  client.abort();
  await assert.rejects(lost, { status: 499, message: 'request canceled' });
  assert.equal(scheduler.loaded().length, 0);
  const next = scheduler.acquire(ask(), never);
  await settled();
  timing.advance(100);
  assert.equal((await next).users, 1);
});

test('embedding models have one slot whatever NUM_PARALLEL says', async () => {
  const { scheduler } = setUp({ numParallel: 4 });
  const { slots } = await scheduler.acquire(ask(embedder), never);
  assert.ok(slots.tryTake('a'));
  assert.equal(slots.tryTake('b'), undefined);
});

test('clear refuses those who wait and leaves nothing loaded', async () => {
  const { scheduler } = setUp();
  await scheduler.acquire(ask(), never);
  const waiting = scheduler.acquire(ask(llama, { num_ctx: 512 }), never);
  await settled();
  scheduler.clear();
  await assert.rejects(waiting, { status: 499 });
  await settled();
  assert.equal(scheduler.loaded().length, 0);
  assert.equal((await scheduler.acquire(ask(), never)).users, 1);
});
