/** The part of the table of metrics that tells of Ollama servers. */
import type { MetricDefinition } from './metric-definition.ts';

export const upstreamMetrics = {
  hostState: {
    type: 'gauge',
    name: 'deci_host_state',
    help: '1 for the states some worker sees an Ollama server in: ready, loading, busy, wedged, quarantined, down, draining, unknown; 0 for those it was in before.',
    unit: 'state',
    labels: ['upstream', 'state'],
    merge: 'max',
  },
  breakerState: {
    type: 'gauge',
    name: 'upstream_breaker_state',
    help: '1 for the state of the breaker of an Ollama server: closed, open, half_open; 0 for the others. Those of single models are listed by /api/admin/breakers.',
    unit: 'state',
    labels: ['upstream', 'state'],
    merge: 'max',
  },
  breakerChanges: {
    type: 'counter',
    name: 'deci_breaker_changes_total',
    help: 'Breakers of servers and of models on them that opened or closed, or would have opened, by level.',
    unit: 'changes',
    labels: ['upstream', 'level', 'change'],
  },
  canaries: {
    type: 'counter',
    name: 'deci_canaries_total',
    help: 'Idle Ollama servers that were to generate one token: answered, refused (in words), silent, used (by somebody else meanwhile), skipped (no free slot).',
    unit: 'canaries',
    labels: ['upstream', 'result'],
  },
  retries: {
    type: 'counter',
    name: 'deci_retries_total',
    help: 'Failed attempts by class of the failure, and what came of the next one (answered, failed), or why there was none (exhausted, budget, deadline, draining, overloaded).',
    unit: 'retries',
    labels: ['reason', 'result'],
  },
} satisfies Record<string, MetricDefinition>;
