import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { withDeadline } from '../kernel/deadline.ts';
import { Presence } from './presence.ts';

interface FakeLease {
  readonly holder: { readonly pid: number; readonly start: string };
}

function setUp(t: TestContext) {
  const store = { held: undefined as FakeLease | undefined, away: false };
  const told: string[] = [];
  const self: FakeLease = { holder: { pid: 1, start: '1' } };
  const check = (): void => {
    if (store.away) throw new Error('no memory');
  };
  const presence = new Presence<FakeLease>({
    name: 'control',
    leases: {
      take: () => {
        check();
        if (store.held !== undefined) return undefined;
        store.held = self;
        return self;
      },
      renew: lease => {
        check();
        return store.held === lease ? lease : undefined;
      },
      release: () => {
        store.held = undefined;
        return true;
      },
      list: () => (store.held === undefined ? [] : [store.held]),
    },
    random: () => 0.5,
    onFailure: error => told.push(String(error)),
    onTaken: holder => told.push(`taken by ${holder}`),
  });
  t.after(() => presence.stop());
  const start = (maxMs: number): Promise<void> => withDeadline(maxMs, signal => presence.start(signal));
  return { store, told, self, presence, start };
}

const another: FakeLease = { holder: { pid: 2, start: '2' } };

test('a process holds its name from its start to its end', async t => {
  const { store, presence, self, start } = setUp(t);
  await start(1000);
  assert.equal(store.held, self);
  await presence.stop();
  assert.equal(store.held, undefined);
});

test('while another has the name, the start waits, and fails at its deadline with who it is', async t => {
  const { store, start } = setUp(t);
  store.held = another;
  await assert.rejects(start(150), /control already runs as process 2/);
});

test('it goes on as soon as the other is gone', async t => {
  const { store, self, start } = setUp(t);
  store.held = another;
  const started = start(5000);
  store.held = undefined;
  await started;
  assert.equal(store.held, self);
});

test('a store that cannot be asked keeps nobody from starting', async t => {
  const { store, told, start } = setUp(t);
  store.away = true;
  await start(1000);
  assert.match(told[0] ?? '', /no memory/);
});

test('one whose name was lost takes it again, and one whose name another has by now is told so', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { store, told, self, presence } = setUp(t);
  await presence.start(new AbortController().signal);
  const nextTick = async (): Promise<void> => {
    t.mock.timers.tick(10_000);
    for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve));
  };
  store.held = undefined;
  await nextTick();
  assert.equal(store.held, self);
  store.held = another;
  await nextTick();
  assert.deepEqual(told, ['taken by 2']);
});
