/** The part of the metric table that is about the memory of workers. */
import type { MetricDefinition } from './metric-definition.ts';

export const memoryMetrics = {
  pressure: {
    type: 'gauge',
    name: 'deci_memory_pressure',
    help: 'How near the worker that is nearest is to its memory limits; 1 is at the limit.',
    unit: 'ratio',
    labels: [],
    merge: 'max',
  },
  live: {
    type: 'gauge',
    name: 'deci_memory_live_bytes',
    help: 'Heap that survived the last major garbage collection, of the worker that has most.',
    unit: 'bytes',
    labels: [],
    merge: 'max',
  },
  gcShare: {
    type: 'gauge',
    name: 'deci_gc_time_ratio',
    help: 'Part of the last 30 s in which garbage collection stopped the worker, of the worker that has most.',
    unit: 'ratio',
    labels: [],
    merge: 'max',
  },
  refused: {
    type: 'counter',
    name: 'deci_memory_refused_total',
    help: 'Requests refused for want of memory: shed, while new work is refused; no_room, a body too large for what is left.',
    unit: 'requests',
    labels: ['why'],
  },
  ended: {
    type: 'counter',
    name: 'deci_memory_ended_total',
    help: 'Answers that were ended because memory was nearly gone.',
    unit: 'requests',
    labels: [],
  },
  collections: {
    type: 'counter',
    name: 'deci_memory_collections_total',
    help: 'Garbage collections that the memory guard made, by reason: confirm, early, look.',
    unit: 'collections',
    labels: ['reason'],
  },
  leak: {
    type: 'gauge',
    name: 'deci_memory_leak_bytes_per_hour',
    help: 'How fast the memory of the worker that leaks most grows, where that ends within a day; 0 where none does.',
    unit: 'bytes',
    labels: [],
    merge: 'max',
  },
  replaceWanted: {
    type: 'gauge',
    name: 'deci_workers_to_replace',
    help: 'Workers that ask to be replaced because they cannot help themselves.',
    unit: 'workers',
    labels: [],
    merge: 'sum',
  },
} satisfies Record<string, MetricDefinition>;
