/** Breakers of several workers of one machine, whose time and store are in memory, for tests of the board. */
import type { BreakerLimits } from '../../src/resilience/breaker.ts';
import { BreakerBoard, type BreakerChange } from '../../src/resilience/breaker-board.ts';
import type { BreakerStore, StoredBreaker } from '../../src/resilience/shared-breakers.ts';

/** What the processes of a machine share, in memory. */
class SharedRows implements BreakerStore {
  readonly rows = new Map<string, StoredBreaker>();
  readonly trials = new Set<string>();
  all = (): StoredBreaker[] => [...this.rows.values()];
  put = (row: StoredBreaker): boolean => {
    const before = this.rows.get(row.name)?.state;
    if (before !== undefined && (before.is === row.state.is || before.sinceMs > row.state.sinceMs)) return false;
    this.rows.set(row.name, row);
    return true;
  };
  readonly failures = new Map<string, number>();
  addFailure = (name: string): number => {
    this.failures.set(name, (this.failures.get(name) ?? 0) + 1);
    return this.failures.get(name) ?? 0;
  };
  clearFailures = (name: string): void => void this.failures.delete(name);
  failing = (): string[] => [...this.failures.keys()];
  readonly counted = new Map<string, Map<string, number>>();
  addOutcomes = (name: string, { key, count }: { readonly key: string; readonly count: number }): void => {
    const of = this.counted.get(name) ?? new Map<string, number>();
    this.counted.set(name, of.set(key, (of.get(key) ?? 0) + count));
  };
  outcomes = (name: string): { key: string; count: number }[] =>
    [...(this.counted.get(name) ?? [])].map(([key, count]) => ({ key, count }));
  clearOutcomes = (name: string): void => void this.counted.delete(name);
  withFailures = (): string[] => [...this.counted.keys()];
  takeTrial = (name: string): (() => void) | undefined => {
    if (this.trials.has(name)) return undefined;
    this.trials.add(name);
    return () => void this.trials.delete(name);
  };
}

export class Machine {
  nowMs = 1_000_000;
  mode: 'on' | 'off' | 'dry_run' | 'suppressed' = 'on';
  readonly changes: BreakerChange[] = [];
  readonly store = new SharedRows();
  board(limits: BreakerLimits | 'off' = { failures: 2, resetMs: 60_000 }): BreakerBoard {
    return new BreakerBoard({
      limits: limits === 'off' ? undefined : limits,
      hosts: ['a', 'b'],
      store: this.store,
      mayOpen: () => this.mode,
      onChange: change => this.changes.push(change),
      nowMs: () => this.nowMs,
      random: () => 1,
    });
  }
}

export function fail(board: BreakerBoard, times: number, failure: 'broken' | 'server_error' | 'busy' = 'broken'): void {
  for (let time = 0; time < times; time++) board.enter('a', 'm')?.failed(failure, 'upstream_broken');
}
