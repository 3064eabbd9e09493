/** What was said or sent instead of what was asked for. Part of the metric table. */
import type { MetricDefinition } from './metric-definition.ts';

export const modelMetrics = {
  degraded: {
    type: 'counter',
    name: 'deci_degraded_answers_total',
    help: 'Answers that were not what was asked for, and marked so, by reason: stale, fallback_model, fallback_text.',
    unit: 'answers',
    labels: ['reason'],
  },
  adjusted: {
    type: 'counter',
    name: 'deci_adjusted_requests_total',
    help: 'Requests of which an option was changed for the sake of all others, and marked so.',
    unit: 'requests',
    labels: [],
  },
} satisfies Record<string, MetricDefinition>;
