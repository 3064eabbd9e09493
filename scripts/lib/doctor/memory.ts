/** Whether the workers may grow as far as they are allowed to. */
import { freemem, totalmem } from 'node:os';
import type { Config } from '../../../src/config/config.ts';
import { liveWorkers } from '../../../src/config/live-workers.ts';
import { residentBytes } from '../resident-bytes.ts';
import { sizeText } from './disk.ts';
import { type Check, type Finding, ok, warn } from './finding.ts';

export const memoryGroup = 'Memory';

export interface MemoryNeed {
  readonly workers: number;
  readonly rssMaxMb: number;
}

export function memoryChecks({ workers, memory, places }: Config): Check[] {
  const need = { workers, rssMaxMb: memory.rssMaxMb };
  return [
    { group: memoryGroup, name: 'free', look: () => judgeFree(need, freemem(), ownBytes(places.runDir)) },
    { group: memoryGroup, name: 'limit', look: () => judgeLimit(need, process.constrainedMemory(), totalmem()) },
  ];
}

/** @param own what our workers hold already */
export function judgeFree(need: MemoryNeed, free: number, own: number): Finding {
  const detail = `${sizeText(free + own)} free for ${needText(need)}`;
  return free + own >= bytesOf(need) ? ok(detail) : warn(detail, fix);
}

/** @param limit of the control group; without one it is 0 or beyond what the machine has */
export function judgeLimit(need: MemoryNeed, limit: number, total: number): Finding {
  if (limit <= 0 || limit >= total) return ok('none below the memory of the machine');
  const detail = `${sizeText(limit)} for everything here, ${needText(need)}`;
  return limit >= bytesOf(need)
    ? ok(detail)
    : warn(detail, `Raise the limit of the container or the service, or: ${fix}`);
}

const fix = 'Lower DECI_WORKERS or RSS_MAX_MB, or give the machine more memory.';

function bytesOf({ workers, rssMaxMb }: MemoryNeed): number {
  return workers * rssMaxMb * 1024 ** 2;
}

function needText({ workers, rssMaxMb }: MemoryNeed): string {
  return `${workers} x ${rssMaxMb} MB at most (DECI_WORKERS x RSS_MAX_MB)`;
}

function ownBytes(runDir: string): number {
  return liveWorkers(runDir).reduce((sum, { pid }) => sum + (residentBytes(pid) ?? 0), 0);
}
