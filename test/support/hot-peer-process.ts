/** Another process at the hot store: does what it is told over its channel, or takes and gives back until it is killed. */
import { appendFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, thisProcess } from '../../src/kernel/process-identity.ts';
import { CounterRepository } from '../../src/storage/counter-repository.ts';
import { hotSchema } from '../../src/storage/hot-schema.ts';
import { HotStore } from '../../src/storage/hot-store.ts';
import { type Lease, LeaseRepository, type LeaseRequest } from '../../src/storage/lease-repository.ts';
import { StoreError } from '../../src/storage/store-error.ts';

export type PeerCommand =
  | { readonly do: 'take'; readonly request: LeaseRequest }
  | { readonly do: 'release'; readonly lease: Lease }
  | { readonly do: 'add'; readonly key: string }
  | { readonly do: 'get'; readonly key: string }
  | { readonly do: 'close' }
  /** Adds that often, and a byte to the file after each. */
  | { readonly do: 'count'; readonly key: string; readonly times: number; readonly tally: string }
  /** Never answers; tells of its turns, and of everyone it met inside. */
  | { readonly do: 'hammer'; readonly key: string };

export interface PeerReply {
  readonly value?: unknown;
  readonly reason?: string;
  readonly rebuilds: number;
}

const dir = process.argv[2] ?? '';
const self = thisProcess();
const now = Date.now;
let rebuilds = 0;
const onRebuilt = (): void => void rebuilds++;
const store = new HotStore({ dir, name: 'hot', schema: hotSchema, maxBytes: 2 ** 24, now, onRebuilt });
const leases = new LeaseRepository({ store, self, now, random: Math.random, isAlive, onReaped: () => undefined });
const counters = new CounterRepository({ store, now });

function perform(command: Exclude<PeerCommand, { do: 'hammer' }>): unknown {
  if (command.do === 'take') return leases.take(command.request);
  if (command.do === 'release') return leases.release(command.lease);
  if (command.do === 'add') return counters.add(command.key, 1);
  if (command.do === 'get') return counters.get(command.key);
  if (command.do === 'count') return count(command.key, command.times, command.tally);
  return store.close();
}

function count(key: string, times: number, tally: string): void {
  for (let i = 0; i < times; i++) {
    // What came too late for the lock was not added, and may be added again.
    while (unlessLate(() => counters.add(key, 1)) === undefined);
    appendFileSync(tally, '.');
  }
}

/** @returns whether the lease was there to take @throws when another one that is alive holds it too */
function turn(key: string): boolean {
  const lease = unlessLate(() => leases.take({ kind: 'slot', key, capacity: 1, ttlMs: 60_000 }));
  if (lease === undefined) return false;
  const referee = join(dir, '..', `referee-${key}`);
  enter(referee);
  rmSync(referee);
  leases.release(lease);
  return true;
}

/** More processes than cores that do nothing else: the lock comes too late now and then. */
function unlessLate<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof StoreError && error.reason === 'locked') return undefined;
    throw error;
  }
}

/** The referee is a link that names who is inside; it can be made only by one at a time. */
function enter(referee: string): void {
  const me = `${self.pid}:${self.start}`;
  try {
    symlinkSync(me, referee);
  } catch {
    const [pid = '', start = ''] = readlinkSync(referee).split(':');
    if (isAlive({ pid: Number(pid), start })) throw new Error(`met ${pid} inside`);
    // Killed while it was inside.
    rmSync(referee);
    symlinkSync(me, referee);
  }
}

function hammer(key: string): void {
  let turns = 0;
  try {
    for (let i = 0; i < 200; i++) turns += turn(key) ? 1 : 0;
    process.send?.({ value: turns, rebuilds });
    setImmediate(() => hammer(key));
  } catch (error) {
    process.send?.({ reason: String(error), rebuilds });
  }
}

process.on('message', (command: PeerCommand) => {
  if (command.do === 'hammer') return hammer(command.key);
  try {
    process.send?.({ value: perform(command), rebuilds });
  } catch (error) {
    process.send?.({ reason: error instanceof StoreError ? error.reason : String(error), rebuilds });
  }
});
process.send?.({ value: 'ready', rebuilds });
