/** The leases of a cluster, looked at as one of its processes would. */
import { isAlive, thisProcess } from '../../src/kernel/process-identity.ts';
import { hotFolder } from '../../src/storage/hot-folder.ts';
import { hotSchema } from '../../src/storage/hot-schema.ts';
import { HotStore } from '../../src/storage/hot-store.ts';
import { type Lease, LeaseRepository } from '../../src/storage/lease-repository.ts';

export interface ClusterLeases extends Disposable {
  readonly repository: LeaseRepository;
  /** What one process holds. */
  of(pid: number): readonly Lease[];
  /** What says that it is there: one of them, whatever else it holds at the time. */
  presenceOf(pid: number): readonly Lease[];
}

export function leasesOf(runDir: string): ClusterLeases {
  const store = new HotStore({
    dir: hotFolder({ hotDir: undefined, runDir }),
    name: 'hot',
    schema: hotSchema,
    maxBytes: 64 * 1024 * 1024,
    now: Date.now,
    onRebuilt: () => undefined,
  });
  const repository = new LeaseRepository({
    store,
    self: thisProcess(),
    now: Date.now,
    random: Math.random,
    isAlive,
    onReaped: () => undefined,
  });
  return {
    repository,
    of: pid => repository.list().filter(({ holder }) => holder.pid === pid),
    presenceOf: pid => repository.list({ kind: 'process' }).filter(({ holder }) => holder.pid === pid),
    [Symbol.dispose]: () => store.close(),
  };
}
