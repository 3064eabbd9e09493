import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type HotPeer, hotPeers } from '../../test/support/hot-peer.ts';
import type { PeerReply } from '../../test/support/hot-peer-process.ts';
import { until } from '../../test/support/until.ts';

const request = { kind: 'slot', key: 'k', capacity: 1, ttlMs: 600_000 };

test('what a killed process held is free within a second', async t => {
  const { start } = hotPeers(t);
  const [holder, other] = [await start(), await start()];
  assert.notEqual((await holder.ask({ do: 'take', request })).value, undefined);
  assert.equal((await other.ask({ do: 'take', request })).value, undefined);
  const killedAt = performance.now();
  await holder.kill();
  await until('the lease is free', async () => (await other.ask({ do: 'take', request })).value !== undefined, 1000);
  assert.ok(performance.now() - killedAt < 1000);
});

test('four processes never hold the same lease at once, while one after the other is killed and replaced', async t => {
  const { start } = hotPeers(t);
  const complaints: string[] = [];
  let turns = 0;
  const startHammering = async (): Promise<HotPeer> => {
    const peer = await start();
    peer.child.on('message', ({ value, reason }: PeerReply) => {
      if (reason !== undefined) complaints.push(reason);
      turns += Number(value ?? 0);
    });
    peer.tell({ do: 'hammer', key: 'k' });
    return peer;
  };
  const peers = await Promise.all([1, 2, 3, 4].map(startHammering));
  for (let kill = 0; kill < 16; kill++) {
    const [victim] = peers.splice(kill % peers.length, 1);
    await once(victim!.child, 'message');
    await victim!.kill();
    peers.push(await startHammering());
  }
  await Promise.all(peers.map(peer => once(peer.child, 'message')));
  assert.deepEqual(complaints, []);
  assert.ok(turns > 1000, `${turns} turns`);
});

test('counters are exact over processes, to the last addition of one that is killed', async t => {
  const { dir, start } = hotPeers(t);
  const [reader, victim, ...others] = await Promise.all([1, 2, 3, 4].map(start));
  const tally = (name: string): string => join(dir, '..', name);
  const times = 3000;
  const counted = others.map((peer, i) => peer.ask({ do: 'count', key: 'n', times, tally: tally(`other-${i}`) }));
  victim!.tell({ do: 'count', key: 'n', times: 10_000_000, tally: tally('victim') });
  await until('the victim counts', () => (statSync(tally('victim'), { throwIfNoEntry: false })?.size ?? 0) > 500);
  await victim!.kill();
  for (const { reason } of await Promise.all(counted)) assert.equal(reason, undefined);
  const acknowledged = others.length * times + statSync(tally('victim')).size;
  const total = Number((await reader!.ask({ do: 'get', key: 'n' })).value);
  // One may be counted of which its process could not tell any more.
  assert.ok(total === acknowledged || total === acknowledged + 1, `${total} counted, ${acknowledged} acknowledged`);
});
