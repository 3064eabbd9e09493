/** One of the processes that take and give back the same leases as fast as they can. Started by measure-leases.ts. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, thisProcess } from '../src/kernel/process-identity.ts';
import { hotSchema } from '../src/storage/hot-schema.ts';
import { HotStore } from '../src/storage/hot-store.ts';
import { LeaseRepository } from '../src/storage/lease-repository.ts';
import { StoreError } from '../src/storage/store-error.ts';

export interface Contention {
  /** Of one lease taken and given back. */
  readonly latenciesUs: readonly number[];
  /** Somebody else had it. */
  readonly refused: number;
  /** The lock was not to be had within its budget. */
  readonly late: number;
  /** How often a lease was held by two at once. */
  readonly doubled: number;
}

const keys = ['a', 'b', 'c', 'd'];
const warmUpRounds = 2000;

function fail(error: unknown): never {
  throw error;
}

function contend(dir: string, rounds: number): Contention {
  const now = Date.now;
  const store = new HotStore({ dir, name: 'hot', schema: hotSchema, maxBytes: 2 ** 24, now, onRebuilt: fail });
  const leases = new LeaseRepository({ store, self: thisProcess(), now, random: Math.random, isAlive, onReaped: fail });
  const latenciesUs: number[] = [];
  const counts = { refused: 0, late: 0, doubled: 0 };
  for (let round = -warmUpRounds; round < rounds; round++) {
    const key = keys[Math.abs(round) % keys.length] ?? 'a';
    try {
      const askedAt = performance.now();
      const lease = leases.take({ kind: 'slot', key, capacity: 1, ttlMs: 60_000 });
      const takenAt = performance.now();
      if (lease === undefined) {
        counts.refused++;
        continue;
      }
      counts.doubled += visit(join(dir, `referee-${key}`)) ? 0 : 1;
      const leavingAt = performance.now();
      leases.release(lease);
      const leftAt = performance.now();
      if (round >= 0) latenciesUs.push((takenAt - askedAt + leftAt - leavingAt) * 1000);
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason !== 'locked') throw error;
      counts.late++;
    }
  }
  store.close();
  return { latenciesUs, ...counts };
}

/** The referee is the file system: a file of that name can be made only by one at a time. */
function visit(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx'));
  } catch {
    return false;
  }
  rmSync(path);
  return true;
}

process.once('message', ({ dir, rounds }: { dir: string; rounds: number }) => {
  process.send?.(contend(dir, rounds), () => process.exit(0));
});
process.send?.('ready');
