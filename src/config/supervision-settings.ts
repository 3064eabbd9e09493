/** The settings of what control does about workers that die. */
import type { Setting } from './setting.ts';
import { duration, integer } from './value-types.ts';

export const supervisionSettings = {
  CRASH_BUDGET: {
    type: integer(2, 1000),
    default: '10',
    meaning:
      'Restarts of crashed workers within ten minutes at which those that do not serve are stopped, instead of being started again and again.',
    group: 'Serving',
  },
  CRASH_PROBE_INTERVAL: {
    type: duration(1000, 86_400_000),
    default: '3m',
    meaning: 'How often one of those is tried then, until it stays.',
    group: 'Serving',
  },
} as const satisfies Record<string, Setting<unknown>>;
