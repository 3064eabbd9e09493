import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessIdentity } from '../kernel/process-identity.ts';
import { createDeadLeases, type HeldLease } from './dead-leases.ts';

test('each dead process is one episode; its leases are given back, and those of the living stay', async () => {
  const held = new Map<number, HeldLease[]>([
    [
      1,
      [
        { kind: 'slot', key: 'a' },
        { kind: 'worker', key: 'blue' },
      ],
    ],
    [2, [{ kind: 'slot', key: 'b' }]],
  ]);
  const reaped: HeldLease[] = [];
  const healer = createDeadLeases({
    leases: {
      holders: () => [...held.keys()].map(pid => ({ pid, start: '' })),
      releaseAll: ({ pid }: ProcessIdentity) => {
        const leases = held.get(pid) ?? [];
        held.delete(pid);
        return leases;
      },
    },
    isAlive: ({ pid }) => pid === 2,
    onReaped: leases => reaped.push(...leases),
  });
  const episodes = await healer.detect(new AbortController().signal);
  assert.deepEqual(
    episodes.map(({ target, action }) => [target, action]),
    [['process 1', 'release_leases']],
  );
  const [episode] = episodes;
  assert.deepEqual(await episode?.act(new AbortController().signal), { result: 'healed', requests_affected: 1 });
  assert.equal(reaped.length, 2);
  assert.deepEqual([...held.keys()], [2]);
  assert.equal((await episode?.act(new AbortController().signal))?.result, 'no_effect');
});
