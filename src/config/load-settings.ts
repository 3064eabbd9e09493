/** The settings of the load of a worker's event loop, and what follows from them. */
import type { Setting } from './setting.ts';
import { duration, fraction } from './value-types.ts';

export const loadSettings = {
  LOAD_SHED_AT: {
    type: fraction,
    default: '0.95',
    meaning:
      'Part of five seconds in which a worker was busy at which optional work stops (answers made anew before they are too old, warming the cache, canaries); half way from there to 1, `background` requests are refused with 503.',
    group: 'Sizes and memory',
  },
  LOAD_DELAY: {
    type: duration(100, 60_000),
    default: '500ms',
    meaning:
      'How late a worker comes to what is due, for most of five seconds, at which `background` requests are refused with 503. Optional work stops at half of it, `batch` requests are refused at twice, `interactive` ones at four times as much.',
    group: 'Sizes and memory',
  },
} as const satisfies Record<string, Setting<unknown>>;

export interface LoadConfig {
  readonly shedAt: number;
  readonly delayMs: number;
}

export interface LoadValues {
  readonly LOAD_SHED_AT: number;
  readonly LOAD_DELAY: number;
}

const leastShedAt = 0.5;
const mostShedAt = 0.99;

export function buildLoad({ LOAD_SHED_AT: shedAt, LOAD_DELAY: delayMs }: LoadValues): LoadConfig {
  return { shedAt, delayMs };
}

export function loadContradictions({ LOAD_SHED_AT: shed }: Partial<LoadValues>): string[] {
  if (shed === undefined || (shed >= leastShedAt && shed <= mostShedAt)) return [];
  return [`LOAD_SHED_AT: expected a number from ${leastShedAt} to ${mostShedAt}, got ${shed}`];
}
