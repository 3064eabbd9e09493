import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ticket } from './queue-order.ts';
import { VirtualTime } from './virtual-time.ts';

const ticket = (owner: string, times: { start: number; finish: number; clock?: number }): Ticket => ({
  id: `${owner}${times.start}`,
  model: 'm',
  group: 'm',
  owner,
  priority: 'interactive',
  sinceMs: 0,
  clock: 0,
  ...times,
});

test('who asks for much waits behind himself, not in front of others', () => {
  const time = new VirtualTime();
  const line: Ticket[] = [];
  for (const tokens of [1000, 1000, 1000])
    line.push(ticket('greedy', time.tag({ owner: 'greedy', priority: 'interactive', tokens }, line)));
  const modest = ticket('modest', time.tag({ owner: 'modest', priority: 'interactive', tokens: 10 }, line));
  assert.deepEqual(
    [...line, modest].toSorted((a, b) => a.start - b.start).map(({ owner }) => owner),
    ['greedy', 'modest', 'greedy', 'greedy'],
  );
});

test('two who always want more get the same number of tokens, whatever the size of their requests', () => {
  const time = new VirtualTime();
  const size = { few: 100, many: 400 };
  const line = (['few', 'many'] as const).map(owner =>
    ticket(owner, time.tag({ owner, priority: 'interactive', tokens: size[owner] }, [])),
  );
  const tokens = { few: 0, many: 0 };
  for (let round = 0; round < 1000; round++) {
    line.sort((a, b) => a.start - b.start);
    const next = line.shift();
    assert.ok(next !== undefined);
    const owner = next.owner as 'few' | 'many';
    tokens[owner] += size[owner];
    time.served(next);
    line.push(ticket(owner, time.tag({ owner, priority: 'interactive', tokens: size[owner] }, line)));
  }
  assert.ok(Math.abs(tokens.few / tokens.many - 1) < 0.02, JSON.stringify(tokens));
});

test('nobody saves up while he asks for nothing', () => {
  const time = new VirtualTime();
  for (let round = 0; round < 100; round++)
    time.served(ticket('busy', time.tag({ owner: 'busy', priority: 'interactive', tokens: 100 }, [])));
  const { start } = time.tag({ owner: 'new', priority: 'interactive', tokens: 100 }, []);
  assert.equal(start, 9900);
});

test('once nobody waited, everybody begins anew', () => {
  const time = new VirtualTime();
  const last = ticket('busy', time.tag({ owner: 'busy', priority: 'interactive', tokens: 100 }, []));
  time.served(last);
  time.idle();
  for (const owner of ['busy', 'new']) {
    assert.equal(time.tag({ owner, priority: 'interactive', tokens: 1 }, []).start, last.finish);
  }
});

test('the clocks of other workers are seen in what waits', () => {
  const time = new VirtualTime();
  assert.equal(
    time.tag({ owner: 'new', priority: 'interactive', tokens: 1 }, [
      ticket('other', { start: 600, finish: 700, clock: 500 }),
    ]).start,
    500,
  );
});

test('it remembers so many owners, and forgets those who were served longest ago', () => {
  const time = new VirtualTime();
  time.served(ticket('first', { start: 0, finish: 1_000_000 }));
  for (let owner = 0; owner < 10_000; owner++) time.served(ticket(`o${owner}`, { start: 0, finish: 1 }));
  assert.equal(time.tag({ owner: 'first', priority: 'interactive', tokens: 1 }, []).start, 0);
  assert.equal(time.tag({ owner: 'o9999', priority: 'interactive', tokens: 1 }, []).start, 1);
});

test('what an owner asks for in one class takes the clock past nobody who waits in another', () => {
  const time = new VirtualTime();
  const line: Ticket[] = [];
  const join = (owner: string, priority: Ticket['priority']): Ticket => {
    const joined = { ...ticket(owner, time.tag({ owner, priority, tokens: 100 }, line)), priority };
    line.push(joined);
    return joined;
  };
  for (let count = 0; count < 20; count++) join('a', 'background');
  const urgent = join('a', 'interactive');
  time.served(urgent);
  line.pop();
  const newcomer = join('b', 'background');
  assert.ok(newcomer.start <= (line[1]?.start ?? 0), `${newcomer.start}`);
});
