/** The part of the metric table that is about the time of workers. */
import type { MetricDefinition } from './metric-definition.ts';

export const loadMetrics = {
  utilisation: {
    type: 'gauge',
    name: 'deci_event_loop_utilization_ratio',
    help: 'Part of the last 5 s in which the event loop was busy, of the worker that is busiest.',
    unit: 'ratio',
    labels: [],
    merge: 'max',
  },
  delay: {
    type: 'gauge',
    name: 'deci_event_loop_standing_delay_seconds',
    help: 'How late the worker that is latest comes to what is due, for most of the last 5 s.',
    unit: 'seconds',
    labels: [],
    merge: 'max',
  },
  stage: {
    type: 'gauge',
    name: 'deci_load_stage',
    help: 'What is refused for load by the worker that refuses most: 0 nothing, 1 optional work alone, 2 background, 3 batch, 4 interactive requests.',
    unit: 'stage',
    labels: [],
    merge: 'max',
  },
  shed: {
    type: 'counter',
    name: 'deci_load_shed_total',
    help: 'Requests refused because the worker had no time for them, by class.',
    unit: 'requests',
    labels: ['priority'],
  },
} satisfies Record<string, MetricDefinition>;
