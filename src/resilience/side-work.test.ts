import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SideWork } from './side-work.ts';

const failures = (): { told: unknown[]; work: SideWork } => {
  const told: unknown[] = [];
  return { told, work: new SideWork(error => told.push(error)) };
};

test('one piece at a time for a name, and others beside it', async () => {
  const { work } = failures();
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const begin = (name: string, until = Promise.resolve()): void =>
    work.begin(name, () => {
      begun.push(name);
      return until;
    });
  begin('a', first.promise);
  begin('a');
  begin('b');
  assert.deepEqual(begun, ['a', 'b']);
  first.resolve();
  await new Promise(setImmediate);
  begin('a');
  assert.deepEqual(begun, ['a', 'b', 'a']);
});

test('a failure is told, and does not keep the name from being begun again', async () => {
  const { told, work } = failures();
  work.begin('a', () => Promise.reject(new Error('why')));
  await new Promise(setImmediate);
  assert.deepEqual(told.map(String), ['Error: why']);
  let isBegun = false;
  work.begin('a', async () => {
    isBegun = true;
  });
  assert.ok(isBegun);
});

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

test('what takes too long is ended', async () => {
  const { work } = failures();
  await assert.rejects(work.within(5, untilAborted), { code: 'first_token_timeout' });
  assert.equal(await work.within(60_000, async () => 'in time'), 'in time');
});

test('a stop ends what waits, waits for what runs, tells no failure of it, and lets nothing begin', async () => {
  const { told, work } = failures();
  let isOver = false;
  work.begin('a', async () => {
    try {
      await work.within(60_000, untilAborted);
    } finally {
      isOver = true;
    }
  });
  await work.stop();
  assert.ok(isOver && work.isGivenUp && work.signal.aborted);
  work.begin('b', () => assert.fail('begun'));
  assert.deepEqual(told, []);
});
