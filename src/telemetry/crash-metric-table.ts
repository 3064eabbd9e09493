/** The part of the metric table that is about processes that end as they should not, what they warn of, and where their log goes. */
import type { MetricDefinition } from './metric-definition.ts';

export const crashMetrics = {
  crashes: {
    type: 'counter',
    name: 'deci_crashes_total',
    help: 'Processes that left a crash report, by kind: uncaught_exception, unhandled_rejection, fatal_error.',
    unit: 'crashes',
    labels: ['kind'],
  },
  quarantine: {
    type: 'gauge',
    name: 'deci_quarantine',
    help: '1 while workers are stopped because they crashed again and again.',
    unit: 'state',
    labels: [],
    merge: 'max',
  },
  warnings: {
    type: 'counter',
    name: 'deci_process_warnings_total',
    help: 'Warnings of Node and of libraries, by their name.',
    unit: 'warnings',
    labels: ['name'],
  },
  logHealth: {
    type: 'gauge',
    name: 'deci_log_state',
    help: 'Where the lines of the log go: 0 where they belong, 1 to another folder, 2 nowhere but memory; the worst process counts.',
    unit: 'state',
    labels: [],
    merge: 'max',
  },
  logLost: {
    type: 'counter',
    name: 'deci_log_lines_lost_total',
    help: 'Lines of the log that no folder took.',
    unit: 'lines',
    labels: [],
  },
} as const satisfies Record<string, MetricDefinition>;
