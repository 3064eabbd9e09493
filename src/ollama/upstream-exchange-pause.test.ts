/** What happens to an answer that is not read as fast as it comes, with a host that is real and with a controller in the hand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Dispatcher } from 'undici';
import { failure, never, patient, turns, upstream } from '../../test/support/exchange-upstream.ts';
import { DeciError } from '../kernel/errors.ts';
import { type ExchangeLimits, UpstreamExchange } from './upstream-exchange.ts';

test('a reader that does not read stops the host: memory stays bounded, and every byte arrives later', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const total = 64 * 1024 * 1024;
  const block = Buffer.alloc(64 * 1024, 'x');
  let written = 0;
  let onStuck: () => void = () => undefined;
  const stuck = new Promise<void>(resolve => {
    onStuck = resolve;
  });
  const { send: start } = await upstream(t, async (_, res) => {
    while (written < total) {
      written += block.length;
      if (res.write(block)) continue;
      const drains: unknown[] = [];
      const drained = once(res, 'drain').then(() => drains.push('drain'));
      // The kernel's buffers take some megabytes; when they are full nothing drains any more, however often we look.
      for (let turn = 0; turn < 2000 && drains.length === 0; turn++) await turns(1);
      if (drains.length === 0) onStuck();
      await drained;
    }
    res.end();
  });
  const exchange = start({ limits: { stallMs: 500, totalMs: undefined } });
  await exchange.opened();
  await stuck;
  // It is we who pause, so the host is not late.
  t.mock.timers.tick(1_000_000);
  const sentBeforeReading = written;
  assert.ok(sentBeforeReading < total / 2, `${sentBeforeReading} bytes were taken from a host that nobody reads`);
  let read = 0;
  for await (const chunk of exchange) read += chunk.length;
  assert.equal(read, total);
});

class FakeController implements Pick<Dispatcher.DispatchController, 'abort' | 'pause' | 'resume'> {
  readonly calls: string[] = [];
  readonly aborted = false;
  readonly paused = false;
  readonly reason = null;
  abort(): void {
    this.calls.push('abort');
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
}

function inHand(limits: Partial<ExchangeLimits> = {}) {
  const controller = new FakeController();
  const exchange = new UpstreamExchange({ ...patient, ...limits }, never, () => undefined);
  const given = controller as unknown as Dispatcher.DispatchController;
  exchange.onRequestStart(given);
  exchange.onResponseStart(given, 200, {});
  const data = (bytes: number): void => exchange.onResponseData(given, Buffer.alloc(bytes));
  return { controller, exchange, given, data };
}

test('it pauses at 256 kB in waiting and resumes only when all of it was read', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { controller, exchange, data } = inHand();
  data(255 * 1024);
  assert.deepEqual(controller.calls, []);
  data(1024);
  assert.deepEqual(controller.calls, ['pause']);
  await exchange.next();
  assert.deepEqual(controller.calls, ['pause']);
  await exchange.next();
  assert.deepEqual(controller.calls, ['pause', 'resume']);
  data(256 * 1024);
  assert.deepEqual(controller.calls, ['pause', 'resume', 'pause']);
});

test('a chunk for a waiting reader never waits in memory', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { controller, exchange, data } = inHand();
  const waiting = exchange.next();
  data(1024 * 1024);
  assert.equal((await waiting).value?.length, 1024 * 1024);
  assert.deepEqual(controller.calls, []);
});

test('while it is us who paused no stall is counted; after the resume it is again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { controller, exchange, data } = inHand({ stallMs: 1000, totalMs: undefined });
  data(256 * 1024);
  t.mock.timers.tick(1_000_000);
  assert.deepEqual(controller.calls, ['pause']);
  await exchange.next();
  t.mock.timers.tick(999);
  assert.deepEqual(controller.calls, ['pause', 'resume']);
  t.mock.timers.tick(1);
  assert.deepEqual(controller.calls, ['pause', 'resume', 'abort']);
  assert.equal((await failure(exchange.next())).code, 'stall_timeout');
});

test('chunks that came before a failure are given out before it', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { exchange, given, data } = inHand();
  data(3);
  data(4);
  exchange.onResponseError(given, new Error('gone'));
  assert.equal((await exchange.next()).value?.length, 3);
  assert.equal((await exchange.next()).value?.length, 4);
  assert.equal((await failure(exchange.next())).code, 'upstream_broken');
});

test('the first end counts: what comes behind it changes nothing', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ends = 0;
  const controller = new FakeController() as unknown as Dispatcher.DispatchController;
  const exchange = new UpstreamExchange(patient, never, () => ends++);
  exchange.onRequestStart(controller);
  exchange.onResponseStart(controller, 200, {});
  exchange.onResponseEnd();
  exchange.onResponseError(controller, new Error('late'));
  exchange.abort(new DeciError('draining'));
  exchange.discard();
  t.mock.timers.tick(1_000_000);
  assert.equal(ends, 1);
  assert.deepEqual(await exchange.next(), { done: true, value: undefined });
});
