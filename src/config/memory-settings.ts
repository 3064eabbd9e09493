/** The settings of memory, and what follows from them. */
import type { Setting } from './setting.ts';
import { fraction, integer, wordOr } from './value-types.ts';

export const memorySettings = {
  HEAP_LIMIT_MB: {
    type: integer(128, 65_536),
    default: '512',
    meaning: 'Heap budget of a worker. The engine gets 1.25 times as much as its own limit.',
    group: 'Sizes and memory',
  },
  GC_AT_MB: {
    type: integer(64, 65_536),
    default: '400',
    meaning:
      'Used heap above which garbage is collected before the engine would, where that frees something and the worker is not busy. Never more than four fifths of `HEAP_LIMIT_MB`.',
    group: 'Sizes and memory',
  },
  SHED_AT: {
    type: fraction,
    default: '0.9',
    meaning:
      'Part of the memory limits at which new work is refused with 503 until it is 0.1 lower. Caches shrink 0.05 before, and half way from there to the limit the most expensive answers are ended.',
    group: 'Sizes and memory',
  },
  RSS_RESTART_MB: {
    type: wordOr('auto', integer(128, 262_144)),
    default: 'auto',
    meaning:
      'Resident memory at which a worker asks to be replaced. `auto`: 0.78 of `RSS_MAX_MB`, which is 800 where that is 1024.',
    group: 'Sizes and memory',
  },
  RSS_MAX_MB: {
    type: integer(128, 262_144),
    default: '1024',
    meaning: 'Resident memory at which PM2 replaces a worker, as the last net.',
    group: 'Sizes and memory',
  },
} as const satisfies Record<string, Setting<unknown>>;

export interface MemoryConfig {
  readonly heapLimitMb: number;
  readonly gcAtMb: number;
  readonly shedAt: number;
  readonly rssRestartMb: number;
  readonly rssMaxMb: number;
}

export interface MemoryValues {
  readonly HEAP_LIMIT_MB: number;
  readonly GC_AT_MB: number;
  readonly SHED_AT: number;
  readonly RSS_RESTART_MB: number | 'auto';
  readonly RSS_MAX_MB: number;
}

const leastShedAt = 0.5;
const mostShedAt = 0.98;

export function buildMemory(values: MemoryValues): MemoryConfig {
  const { HEAP_LIMIT_MB: heapLimitMb, RSS_MAX_MB: rssMaxMb, RSS_RESTART_MB: restart } = values;
  return {
    heapLimitMb,
    gcAtMb: Math.min(values.GC_AT_MB, 0.8 * heapLimitMb),
    shedAt: values.SHED_AT,
    rssRestartMb: restart === 'auto' ? (800 / 1024) * rssMaxMb : restart,
    rssMaxMb,
  };
}

export function memoryContradictions(values: Partial<MemoryValues>): string[] {
  const { HEAP_LIMIT_MB: heap, RSS_MAX_MB: most, RSS_RESTART_MB: restart, SHED_AT: shed } = values;
  const problems: string[] = [];
  if (most !== undefined && heap !== undefined && most < heap) {
    problems.push(`RSS_MAX_MB: expected at least HEAP_LIMIT_MB (${heap}), got ${most}`);
  }
  if (most !== undefined && typeof restart === 'number' && restart > most) {
    problems.push(`RSS_RESTART_MB: expected at most RSS_MAX_MB (${most}), got ${restart}`);
  }
  if (shed !== undefined && (shed < leastShedAt || shed > mostShedAt)) {
    problems.push(`SHED_AT: expected a number from ${leastShedAt} to ${mostShedAt}, got ${shed}`);
  }
  return problems;
}
