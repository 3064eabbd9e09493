/** What becomes of processes, as calls. */
import { crashMetrics } from './crash-metric-table.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

export interface CrashEvents {
  crashed(event: { readonly kind: string }): void;
  warned(event: { readonly name: string }): void;
}

/** @throws when the registry has them already */
export function crashEvents(registry: MetricsRegistry): CrashEvents {
  const crashes = registry.counter(crashMetrics.crashes);
  const warnings = registry.counter(crashMetrics.warnings);
  return {
    crashed: event => crashes.with(event).add(),
    warned: event => warnings.with(event).add(),
  };
}
