/**
 * Every metric there is: the list behind docs/reference/metrics.md. Names and labels are a contract with dashboards and
 * alerts. No label ever holds an id, a key or a client's own text.
 */
import { crashMetrics } from './crash-metric-table.ts';
import { loadMetrics } from './load-metric-table.ts';
import { memoryMetrics } from './memory-metric-table.ts';
import type { CounterDefinition, GaugeDefinition, HistogramDefinition, MetricDefinition } from './metric-definition.ts';
import { overflowMetric } from './metrics-registry.ts';
import { modelMetrics } from './model-metrics.ts';
import { upstreamMetrics } from './upstream-metric-table.ts';

const seconds = 'seconds';

export const requestMetrics = {
  requests: {
    type: 'counter',
    name: 'http_server_requests_total',
    help: 'Requests that were answered or ended, by route template, method and status (0 when no status was sent).',
    unit: 'requests',
    labels: ['route', 'method', 'status'],
  },
  duration: {
    type: 'histogram',
    name: 'http_server_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    unit: seconds,
    labels: ['route'],
    // Those that OpenTelemetry gives for http.server.request.duration, and more for long generations.
    bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120, 300],
    maxSeries: 500,
  },
  authRefused: {
    type: 'counter',
    name: 'deci_auth_refused_total',
    help: 'Requests refused for who asked, by code of the error.',
    unit: 'requests',
    labels: ['code'],
  },
  streams: {
    type: 'gauge',
    name: 'streams_active',
    help: 'Streamed answers that are open.',
    unit: 'streams',
    labels: [],
    merge: 'sum',
  },
  streamsClosed: {
    type: 'counter',
    name: 'deci_streams_closed_total',
    help: 'Streamed answers that ended, by how far they had come.',
    unit: 'streams',
    labels: ['phase'],
  },
} satisfies Record<string, MetricDefinition>;

export const admissionMetrics = {
  queueDepth: {
    type: 'gauge',
    name: 'queue_depth',
    help: 'Requests that wait for a slot of a model.',
    unit: 'requests',
    labels: [],
    merge: 'sum',
  },
  queueWaiting: {
    type: 'gauge',
    name: 'deci_queue_waiting',
    help: 'Requests that wait for a slot of a model, by class.',
    unit: 'requests',
    labels: ['priority'],
    merge: 'sum',
  },
  queueWait: {
    type: 'histogram',
    name: 'queue_wait_seconds',
    help: 'How long requests waited that found no slot free and got one.',
    unit: seconds,
    labels: [],
    bounds: [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
  },
  queueRefused: {
    type: 'counter',
    name: 'deci_queue_refused_total',
    help: 'Requests that got no slot, by code of the error.',
    unit: 'requests',
    labels: ['code'],
  },
  slotsInUse: {
    type: 'gauge',
    name: 'deci_slots_in_use',
    help: 'Generations and embeddings that an Ollama host works on for us.',
    unit: 'slots',
    labels: ['upstream'],
    merge: 'sum',
  },
} satisfies Record<string, MetricDefinition>;

export const healingMetrics = {
  actions: {
    type: 'counter',
    name: 'selfheal_actions_total',
    help: 'Actions of the healers, by action, what set them off, and result.',
    unit: 'actions',
    labels: ['action', 'trigger', 'result'],
  },
  actionDuration: {
    type: 'histogram',
    name: 'selfheal_action_duration_seconds',
    help: 'From the decision to heal to its result.',
    unit: seconds,
    labels: ['action'],
    bounds: [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    maxSeries: 100,
  },
  leasesReaped: {
    type: 'counter',
    name: 'deci_leases_reaped_total',
    help: 'Leases taken back from processes that are gone, by kind.',
    unit: 'leases',
    labels: ['kind'],
  },
  slowStatements: {
    type: 'counter',
    name: 'deci_store_slow_statements_total',
    help: 'Statements of the store that held up the event loop for too long.',
    unit: 'statements',
    labels: [],
  },
  metricsFilesLost: {
    type: 'counter',
    name: 'deci_metrics_files_lost_total',
    help: 'Files of metrics of processes that are gone which could not be read and were dropped.',
    unit: 'files',
    labels: [],
  },
  storeUp: {
    type: 'gauge',
    name: 'deci_store_up',
    help: '1 where every process has its store open, 0 where one has not.',
    unit: 'state',
    labels: [],
    merge: 'min',
  },
  upstreamUp: {
    type: 'gauge',
    name: 'deci_upstream_up',
    help: '1 when some process can reach the Ollama server, 0 when none can.',
    unit: 'state',
    labels: ['upstream'],
    merge: 'max',
  },
} satisfies Record<string, MetricDefinition>;

export const cacheMetrics = {
  requests: {
    type: 'counter',
    name: 'cache_requests_total',
    help: 'Inference answers by where they are from: hit, miss, stale, coalesced, or bypass.',
    unit: 'requests',
    labels: ['result'],
  },
  refreshed: {
    type: 'counter',
    name: 'deci_cache_refreshed_total',
    help: 'Recorded answers that were generated anew before they were too old: refreshed, or failed.',
    unit: 'answers',
    labels: ['result'],
  },
  entries: {
    type: 'gauge',
    name: 'deci_cache_memory_entries',
    help: 'Recorded answers in the memory of all workers.',
    unit: 'entries',
    labels: [],
    merge: 'sum',
  },
  bytes: {
    type: 'gauge',
    name: 'deci_cache_memory_bytes',
    help: 'Memory that they take, roughly.',
    unit: 'bytes',
    labels: [],
    merge: 'sum',
  },
  evictions: {
    type: 'counter',
    name: 'deci_cache_evictions_total',
    help: 'Recorded answers that left the memory of a worker for want of room.',
    unit: 'entries',
    labels: [],
  },
  sharedUp: {
    type: 'gauge',
    name: 'deci_cache_shared_up',
    help: '1 where every worker can use the shared cache, 0 where one leaves it alone for a while.',
    unit: 'state',
    labels: [],
    merge: 'min',
  },
} satisfies Record<string, MetricDefinition>;

const ofProcess = { labels: ['process'], merge: 'max' } as const;

export const processMetrics = {
  cpu: {
    type: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'User and system time of all processes.',
    unit: seconds,
    labels: [],
  },
  startTime: {
    type: 'gauge',
    name: 'process_start_time_seconds',
    help: 'When the process began, since the epoch.',
    unit: seconds,
    ...ofProcess,
  },
  resident: {
    type: 'gauge',
    name: 'process_resident_memory_bytes',
    help: 'Resident memory.',
    unit: 'bytes',
    ...ofProcess,
  },
  heapUsed: {
    type: 'gauge',
    name: 'nodejs_heap_used_bytes',
    help: 'JavaScript heap in use.',
    unit: 'bytes',
    ...ofProcess,
  },
  loopDelay: {
    type: 'gauge',
    name: 'nodejs_eventloop_delay_seconds',
    help: 'How late timers fired within the last 15 to 30 s: p50, p99, max.',
    unit: seconds,
    labels: ['process', 'stat'],
    merge: 'max',
  },
  state: {
    type: 'gauge',
    name: 'deci_process_state',
    help: '1 for the state the process is in, 0 for those it was in before.',
    unit: 'state',
    labels: ['process', 'state'],
    merge: 'max',
  },
  build: {
    type: 'gauge',
    name: 'deci_build_info',
    help: '1 for each version that runs.',
    unit: 'state',
    labels: ['version'],
    merge: 'max',
  },
} satisfies Record<string, MetricDefinition>;

/** Of the collecting itself; made while it happens, by whoever is asked. */
export const collectionMetrics = {
  up: {
    type: 'gauge',
    name: 'deci_up',
    help: '1 when the process answered within the deadline of this collection, 0 when its values are those of its file.',
    unit: 'state',
    ...ofProcess,
  },
  filesSkipped: {
    type: 'gauge',
    name: 'deci_metrics_files_skipped',
    help: 'Files of the metrics folder that could not be read in this collection.',
    unit: 'files',
    labels: [],
    merge: 'max',
  },
} satisfies Record<string, MetricDefinition>;

export const metricTable: ReadonlyArray<CounterDefinition | GaugeDefinition | HistogramDefinition> = [
  ...Object.values(requestMetrics),
  ...Object.values(admissionMetrics),
  ...Object.values(healingMetrics),
  ...Object.values(upstreamMetrics),
  ...Object.values(modelMetrics),
  ...Object.values(cacheMetrics),
  ...Object.values(memoryMetrics),
  ...Object.values(loadMetrics),
  ...Object.values(crashMetrics),
  ...Object.values(processMetrics),
  ...Object.values(collectionMetrics),
  overflowMetric,
].toSorted((a, b) => (a.name < b.name ? -1 : 1));
