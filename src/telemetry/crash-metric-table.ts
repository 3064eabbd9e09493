/** The part of the metric table that is about processes that end as they should not, and what they warn of. */
import type { MetricDefinition } from './metric-definition.ts';

export const crashMetrics = {
  crashes: {
    type: 'counter',
    name: 'deci_crashes_total',
    help: 'Processes that left a crash report, by kind: uncaught_exception, unhandled_rejection, fatal_error.',
    unit: 'crashes',
    labels: ['kind'],
  },
  warnings: {
    type: 'counter',
    name: 'deci_process_warnings_total',
    help: 'Warnings of Node and of libraries, by their name.',
    unit: 'warnings',
    labels: ['name'],
  },
} as const satisfies Record<string, MetricDefinition>;
