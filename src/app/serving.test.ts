import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Serving } from './serving.ts';

function setUp() {
  const events: string[] = [];
  const binding = { gate: Promise.withResolvers<void>(), holds: false };
  const serving = new Serving({
    standby: {
      begin: () => events.push('leaves the port'),
      end: async () => {
        events.push('takes the port');
        if (binding.holds) await binding.gate.promise;
      },
      cancel: () => undefined,
    },
    onChange: state => events.push(state),
  });
  return { serving, events, binding };
}

test('a worker stands by and serves again, and an order that changes nothing does nothing', async () => {
  const { serving, events } = setUp();
  assert.equal(serving.begin(), true);
  await serving.live();
  await serving.standby();
  await serving.standby();
  await serving.live();
  assert.deepEqual(events, ['ready', 'leaves the port', 'standby', 'takes the port', 'ready']);
});

test('orders that come at once are carried out one after the other, in their order', async () => {
  const { serving, events } = setUp();
  serving.begin();
  await Promise.all([serving.standby(), serving.live(), serving.live(), serving.standby()]);
  assert.equal(serving.state, 'standby');
  assert.deepEqual(events.filter(event => event === 'takes the port').length, 1);
});

test('a worker that leaves is not brought back by an order under way, nor by a later one, nor by the end of its start', async () => {
  const { serving, binding } = setUp();
  serving.begin();
  await serving.standby();
  binding.holds = true;
  const live = serving.live();
  await Promise.resolve();
  serving.leave();
  binding.gate.resolve();
  await live;
  await serving.live();
  assert.equal(serving.state, 'draining');
  const { serving: early } = setUp();
  early.leave();
  assert.equal(early.begin(), false);
  assert.equal(early.state, 'draining');
});

test('an address that cannot be bound leaves the worker on standby, and the next order tries again', async () => {
  const events: string[] = [];
  let fails = true;
  const serving = new Serving({
    standby: {
      begin: () => undefined,
      end: async () => {
        if (fails) throw new Error('EADDRINUSE');
      },
      cancel: () => undefined,
    },
    onChange: state => events.push(state),
  });
  serving.begin();
  await serving.standby();
  await assert.rejects(serving.live(), /EADDRINUSE/);
  assert.equal(serving.state, 'standby');
  fails = false;
  await serving.live();
  assert.equal(serving.state, 'ready');
});
