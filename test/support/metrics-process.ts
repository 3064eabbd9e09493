/**
 * A process of its own for tests of the metrics: `metrics-process.ts DIR ROLE count|fold`. The counting one counts and
 * tells what it has flushed; told to rest, it only flushes when asked, as a nudged worker does. The folding one folds all
 * the time.
 */
import { thisProcess } from '../../src/kernel/process-identity.ts';
import { MetricsRegistry } from '../../src/telemetry/metrics-registry.ts';
import { foldDead } from '../../src/telemetry/retired-metrics.ts';

const [, , dir = '', role = 'blue', mode = 'count'] = process.argv;
const tell = (message: object): void => {
  process.send?.(message, undefined, undefined, () => undefined);
};
process.on('disconnect', () => process.exit(0));

function fold(): void {
  tell({ folded: foldDead(dir, thisProcess()).folded });
  setTimeout(fold, 1);
}

function count(): void {
  const onFailure = (error: Error): void => tell({ failure: error.message });
  const registry = new MetricsRegistry({ dir, owner: { role, ...thisProcess() }, onFailure });
  const counter = registry
    .counter({ type: 'counter', name: 'test_total', help: 'Counted.', unit: 'counts', labels: ['label'] })
    .with({ label: 'a' });
  const durations = registry
    .histogram({ type: 'histogram', name: 'test_seconds', help: 'Seen.', unit: 'seconds', labels: [], bounds: [1, 2] })
    .with({});
  registry
    .gauge({ type: 'gauge', name: 'test_alive', help: 'Alive.', unit: 'state', labels: [], merge: 'sum' })
    .with({})
    .set(1);
  let counted = 0;
  let resting = false;
  const flush = (answer?: number): void => {
    registry.flush();
    tell({ counted, answer });
  };
  const work = (): void => {
    if (resting) return;
    for (let i = 0; i < 100; i++) {
      counter.add();
      durations.observe(i % 3);
      counted++;
    }
    if (counted % 500 === 0) flush();
    setTimeout(work, 1);
  };
  process.on('message', ({ ask, rest }: { ask: number; rest: boolean }) => {
    resting ||= rest;
    flush(ask);
  });
  flush();
  work();
}

if (mode === 'fold') fold();
else count();
