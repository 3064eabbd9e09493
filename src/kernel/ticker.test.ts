import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ticker, type TickerOptions } from './ticker.ts';

const noJitter = (): number => 0.5;

function options(over: Partial<TickerOptions>): TickerOptions {
  return {
    name: 'test',
    tick: async () => undefined,
    intervalMs: 1000,
    onFailure: () => undefined,
    random: noJitter,
    ...over,
  };
}

/** Lets everything run that is only waiting for promises. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('the first tick runs at once, and start waits for it', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ticks = 0;
  const ticker = new Ticker(options({ tick: async () => void ticks++ }));
  await ticker.start();
  assert.equal(ticks, 1);
  await ticker.stop();
});

test('start called twice runs one loop', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ticks = 0;
  const ticker = new Ticker(options({ tick: async () => void ticks++ }));
  await Promise.all([ticker.start(), ticker.start()]);
  assert.equal(ticks, 1);
  await ticker.stop();
});

test('ticks never overlap: the next is planned only when the current one has ended', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const gates: Array<PromiseWithResolvers<undefined>> = [];
  const tick = async (): Promise<undefined> => {
    const gate = Promise.withResolvers<undefined>();
    gates.push(gate);
    return await gate.promise;
  };
  const ticker = new Ticker(options({ tick }));
  const started = ticker.start();
  t.mock.timers.tick(60_000);
  await settled();
  assert.equal(gates.length, 1);
  gates[0]!.resolve(undefined);
  await started;
  t.mock.timers.tick(999);
  await settled();
  assert.equal(gates.length, 1);
  t.mock.timers.tick(1);
  await settled();
  assert.equal(gates.length, 2);
  gates[1]!.resolve(undefined);
  await ticker.stop();
});

test('a failed tick is reported and the loop goes on', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const failures: unknown[] = [];
  let ticks = 0;
  const tick = async (): Promise<undefined> => {
    ticks++;
    if (ticks === 1) throw new Error('first');
  };
  const ticker = new Ticker(options({ tick, onFailure: error => failures.push(error) }));
  await ticker.start();
  assert.deepEqual(
    failures.map(error => (error as Error).message),
    ['first'],
  );
  t.mock.timers.tick(1000);
  await settled();
  assert.equal(ticks, 2);
  assert.equal(failures.length, 1);
  await ticker.stop();
});

test('a tick that throws before its first await is a failed tick like any other', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let failures = 0;
  const ticker = new Ticker(
    options({
      tick: () => {
        throw new Error('at once');
      },
      onFailure: () => failures++,
    }),
  );
  await ticker.start();
  assert.equal(failures, 1);
  await ticker.stop();
});

test('a tick may say how long to wait before the next', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ticks = 0;
  const ticker = new Ticker(
    options({
      tick: async () => {
        ticks++;
        return 10;
      },
    }),
  );
  await ticker.start();
  t.mock.timers.tick(10);
  await settled();
  assert.equal(ticks, 2);
  await ticker.stop();
});

test('the wait is spread by a tenth to either side', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const [random, dueMs] of [
    [0, 900],
    [0.75, 1050],
  ] as const) {
    let ticks = 0;
    const ticker = new Ticker(options({ tick: async () => void ticks++, random: () => random }));
    await ticker.start();
    t.mock.timers.tick(dueMs - 1);
    assert.equal(ticks, 1);
    t.mock.timers.tick(1);
    assert.equal(ticks, 2);
    await ticker.stop();
  }
});

test('stop cancels the planned tick', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ticks = 0;
  const ticker = new Ticker(options({ tick: async () => void ticks++ }));
  await ticker.start();
  await ticker.stop();
  t.mock.timers.tick(10_000);
  await settled();
  assert.equal(ticks, 1);
});

test('stop aborts the running tick and waits for it; being aborted is no failure', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let failures = 0;
  let left = false;
  const tick = async (signal: AbortSignal): Promise<undefined> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve());
    await promise;
    left = true;
    throw signal.reason as Error;
  };
  const ticker = new Ticker(options({ tick, onFailure: () => failures++ }));
  const started = ticker.start();
  await ticker.stop();
  await started;
  assert.equal(left, true);
  assert.equal(failures, 0);
});

test('woken it runs at once instead of when its time has come; woken while it runs, once more behind that', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const gates: Array<PromiseWithResolvers<undefined>> = [];
  const tick = async (): Promise<undefined> => {
    const gate = Promise.withResolvers<undefined>();
    gates.push(gate);
    return await gate.promise;
  };
  const ticker = new Ticker(options({ tick, intervalMs: 30_000 }));
  ticker.wake();
  const started = ticker.start();
  gates[0]!.resolve(undefined);
  await started;
  ticker.wake();
  await settled();
  assert.equal(gates.length, 2);
  ticker.wake();
  ticker.wake();
  gates[1]!.resolve(undefined);
  await settled();
  t.mock.timers.tick(0);
  await settled();
  assert.equal(gates.length, 3);
  gates[2]!.resolve(undefined);
  await settled();
  t.mock.timers.tick(20_000);
  await settled();
  assert.equal(gates.length, 3);
  await ticker.stop();
});
