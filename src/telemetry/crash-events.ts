/** What becomes of processes, as calls. */
import { crashMetrics } from './crash-metric-table.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

export interface CrashEvents {
  crashed(event: { readonly kind: string }): void;
  quarantine(event: { readonly isOn: boolean }): void;
  warned(event: { readonly name: string }): void;
  logHealth(event: { readonly is: 'well' | 'elsewhere' | 'held' }): void;
  logLinesLost(event: { readonly count: number }): void;
}

/** @throws when the registry has them already */
export function crashEvents(registry: MetricsRegistry): CrashEvents {
  const crashes = registry.counter(crashMetrics.crashes);
  const quarantines = registry.gauge(crashMetrics.quarantine);
  const warnings = registry.counter(crashMetrics.warnings);
  const states = registry.gauge(crashMetrics.logHealth);
  // Told from the beginning, so that a first loss is an increase.
  const lost = registry.counter(crashMetrics.logLost).with({});
  return {
    crashed: event => crashes.with(event).add(),
    quarantine: ({ isOn }) => quarantines.with({}).set(isOn ? 1 : 0),
    warned: event => warnings.with(event).add(),
    logHealth: ({ is }) => states.with({}).set(['well', 'elsewhere', 'held'].indexOf(is)),
    logLinesLost: ({ count }) => lost.add(count),
  };
}
