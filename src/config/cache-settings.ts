/** The settings of recorded answers. */
import type { Setting } from './setting.ts';
import { duration, fraction, integer, oneOf, text, wordOr } from './value-types.ts';

const day = 86_400_000;

export const cacheSettings = {
  CACHE: {
    type: oneOf('on', 'off'),
    default: 'on',
    meaning: 'Whether answers are recorded, given again and shared while they are under way.',
    group: 'Cache',
  },
  CACHE_SCOPE: {
    type: oneOf('key', 'tenant'),
    default: 'key',
    meaning:
      'Who shares recorded answers and those under way: nobody but the key that asked, or all keys of a tenant. A virtual model may say otherwise.',
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
  CACHE_WRITE: {
    type: oneOf('behind', 'through'),
    default: 'behind',
    meaning:
      'When an answer that nobody waits for reaches the disk: `behind`, in batches 20 ms later; `through`, before the answer ends.',
    group: 'Cache',
  },
  CACHE_REFRESH_AHEAD: {
    type: wordOr('off', fraction),
    default: '0.9',
    meaning:
      'An answer that is given out often is generated anew when it is older than this part of `CACHE_TTL` and nobody waits for a model. `off` never does.',
    group: 'Cache',
  },
  CACHE_WARM_FILE: {
    type: text,
    meaning:
      'A file of JSON lines `{"path": "/api/chat", "body": {...}}` whose answers are generated after the start, if they are not recorded: at most 1,000 lines of 1 MB in all.',
    group: 'Cache',
  },
} as const satisfies Record<string, Setting<unknown>>;
