/** The settings of recorded answers. */
import type { Setting } from './setting.ts';
import { duration, integer, oneOf } from './value-types.ts';

const day = 86_400_000;

export const cacheSettings = {
  CACHE: {
    type: oneOf('on', 'off'),
    default: 'on',
    meaning: 'Whether answers are recorded, given again and shared while they are under way.',
    group: 'Cache',
  },
  CACHE_TTL: {
    type: duration(1000, 365 * day),
    default: '1h',
    meaning: 'How long a recorded answer is given again where the question has only one.',
    group: 'Cache',
  },
  CACHE_STALE_MAX: {
    type: duration(1000, 365 * day),
    default: '24h',
    meaning: 'How old a recorded answer may be that is given, and marked, because no host can answer.',
    group: 'Cache',
  },
  CACHE_MAX_ENTRIES: {
    type: integer(1, 1_000_000),
    default: '1000',
    meaning: 'Recorded answers that each worker has in memory, at most.',
    group: 'Cache',
  },
  CACHE_MAX_MB: {
    type: integer(1, 65_536),
    default: '64',
    meaning: 'Memory that they take in each worker, at most.',
    group: 'Cache',
  },
  CACHE_SHARED_MB: {
    type: integer(1, 1_048_576),
    default: '1024',
    meaning: 'Disk that the answers shared by all workers take in `RUN_DIR/cache`, at most.',
    group: 'Cache',
  },
} as const satisfies Record<string, Setting<unknown>>;
