/** How a process of ours asks the others for their metrics, and tells what all of them together say. */
import { join } from 'node:path';
import { controlSocketPath } from '../config/live-workers.ts';
import { askSocket } from '../kernel/socket-request.ts';
import { collectMetrics } from '../telemetry/collect-metrics.ts';
import { mergeMetrics } from '../telemetry/metrics-merge.ts';
import type { MetricsRegistry } from '../telemetry/metrics-registry.ts';
import { renderMetricsText } from '../telemetry/metrics-text.ts';

const nudgeMs = 100;

/** Of all processes. */
export async function renderClusterMetrics(registry: MetricsRegistry, runDir: string): Promise<string> {
  const collected = await collectMetrics({
    registry,
    nudgeTimeoutMs: nudgeMs,
    nudge: async ({ role, pid }) => {
      const socketPath = role === 'control' ? controlSocketPath(runDir) : join(runDir, `${role}-${pid}.sock`);
      await askSocket({ socketPath, method: 'HEAD', path: '/metrics', timeoutMs: nudgeMs });
    },
  });
  return renderMetricsText(collected);
}

/** Of this process alone. */
export function renderOwnMetrics(registry: MetricsRegistry): string {
  registry.flush();
  const metrics = mergeMetrics([{ snapshot: registry.snapshot(), alive: true }]);
  return renderMetricsText({ metrics, processes: [], skippedFiles: 0 });
}
