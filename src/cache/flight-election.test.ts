/** Who of all workers leads a shared answer, and who waits for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { DeciError } from '../kernel/errors.ts';
import { FlightElection, type FlightUrgency, type Leases } from './flight-election.ts';

const never = new AbortController().signal;

/** One place, as all workers see it. */
class FakeLeases implements Leases<string> {
  holder: string | undefined;
  broken = false;
  readonly wishes: string[] = [];

  take({ kind, key, data = '' }: { kind: string; key: string; data?: string }): string | undefined {
    if (this.broken) throw new Error('no store');
    if (kind === 'flight-wish') {
      this.wishes.push(data);
      return data;
    }
    if (this.holder !== undefined) return undefined;
    this.holder = key;
    return key;
  }

  renew(lease: string): string | undefined {
    return this.holder === lease ? lease : undefined;
  }

  list(): Array<{ data: string }> {
    return this.wishes.map(data => ({ data }));
  }

  release(lease: string): boolean {
    const wish = this.wishes.indexOf(lease);
    if (wish !== -1) this.wishes.splice(wish, 1);
    if (this.holder !== lease) return false;
    this.holder = undefined;
    return true;
  }
}

const calm: FlightUrgency = { priority: 'batch', isOpen: false, raise: () => undefined };

function elections(leases: FakeLeases, maxWaitMs = 5000): FlightElection<string> {
  return new FlightElection({ leases, clock: () => performance.now(), maxWaitMs, address: 'here' });
}

test('one leads; another takes what was recorded, or the lead when it becomes free', async () => {
  const leases = new FakeLeases();
  let recorded: string | undefined;
  const look = (): string | undefined => recorded;
  const lead = await elections(leases).elect('k', { look }, calm, never);
  assert.ok('resign' in lead);
  const follower = elections(leases).elect('k', { look }, calm, never);
  recorded = 'answer';
  assert.deepEqual(await follower, { found: 'answer' });
  recorded = undefined;
  const next = elections(leases).elect('k', { look }, calm, never);
  lead.resign();
  const outcome = await next;
  assert.ok('resign' in outcome);
  assert.equal(leases.holder, 'k');
  outcome.resign();
  assert.equal(leases.holder, undefined);
});

test('who waits for another worker stops when its client leaves, and when it has waited too long', async () => {
  const leases = new FakeLeases();
  await elections(leases).elect('k', { look: () => undefined }, calm, never);
  const leaving = new AbortController();
  const waiting = elections(leases).elect('k', { look: () => undefined }, calm, leaving.signal);
  leaving.abort(new DeciError('client_closed'));
  await assert.rejects(waiting, { code: 'client_closed' });
  await assert.rejects(elections(leases, 1).elect('k', { look: () => undefined }, calm, never), {
    code: 'total_timeout',
  });
});

test('where leases cannot be had, everybody leads', async () => {
  const leases = new FakeLeases();
  leases.broken = true;
  assert.ok('resign' in (await elections(leases).elect('k', { look: () => undefined }, calm, never)));
});

test('who waits for another worker says how urgent it is, and whoever leads and waits hears of it', async () => {
  const leases = new FakeLeases();
  const heard: string[] = [];
  const leading = elections(leases);
  const open = { priority: 'background', isOpen: true, raise: (to: string) => void heard.push(to) };
  const lead = await leading.elect('k', { look: () => undefined }, open, never);
  assert.ok('resign' in lead);
  const leaving = new AbortController();
  const urgency = { ...calm, priority: 'batch' };
  const waiting = elections(leases).elect('k', { look: () => undefined }, urgency, leaving.signal);
  await until('it is said', () => leases.wishes.includes('batch'));
  urgency.priority = 'interactive';
  await until('it is said again', () => leases.wishes.includes('interactive'));
  leading.listen();
  assert.deepEqual(heard, ['batch', 'interactive']);
  open.isOpen = false;
  leading.listen();
  assert.equal(heard.length, 2, 'nobody asks when it makes no difference');
  leaving.abort(new DeciError('client_closed'));
  await assert.rejects(waiting, { code: 'client_closed' });
  assert.deepEqual(leases.wishes, [], 'who is gone wishes for nothing');
});
