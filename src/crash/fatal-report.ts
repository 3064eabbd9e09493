/**
 * What Node itself writes when it dies of a fatal error, above all of a full heap, as a report of ours: without the command line, the
 * folders, the libraries and the limits that it tells as well, which say nothing of the fault and much of the machine. Pure.
 */
import { isObject, type JsonObject } from '../kernel/json.ts';
import type { CrashCause, CrashSurroundings } from './crash-report.ts';

export interface FatalFacts {
  readonly pid: number;
  readonly time: Date;
  readonly cause: CrashCause;
  readonly around: Pick<CrashSurroundings, 'memory' | 'handles' | 'uptime_s'>;
}

const maxFrames = 30;

/** @returns undefined for what is no such report */
export function readFatal(raw: JsonObject): FatalFacts | undefined {
  const header = memberOf(raw, 'header');
  const { event, trigger, processId, dumpEventTimeStamp } = header;
  if (typeof event !== 'string' || typeof processId !== 'number') return undefined;
  const atMs = Number(dumpEventTimeStamp);
  return {
    pid: processId,
    time: Number.isFinite(atMs) && atMs > 0 ? new Date(atMs) : new Date(0),
    cause: { name: String(trigger), message: event, stack: stackOf(raw) },
    around: { memory: memoryOf(raw), handles: handlesOf(raw), uptime_s: null },
  };
}

/** That of JavaScript where there is one; a heap that is full leaves only the native one. */
function stackOf(raw: JsonObject): string[] {
  const { stack } = memberOf(raw, 'javascriptStack');
  const own = Array.isArray(stack) ? stack.filter(line => typeof line === 'string') : [];
  if (own.some(line => !line.includes('Unavailable'))) return own.slice(0, maxFrames);
  const native = raw['nativeStack'];
  const frames = Array.isArray(native) ? native : [];
  return frames.slice(0, maxFrames).flatMap(frame => {
    const symbol = isObject(frame) ? frame['symbol'] : undefined;
    // Without where the program lies.
    return typeof symbol === 'string' && symbol !== '' ? [symbol.replace(/ \[[^\]]*\]$/, '')] : [];
  });
}

function memoryOf(raw: JsonObject): Record<string, number> {
  const heap = memberOf(raw, 'javascriptHeap');
  const { rss, maxRss } = memberOf(raw, 'resourceUsage');
  const named = {
    heap_total: heap['totalMemory'],
    heap_used: heap['usedMemory'],
    heap_limit: heap['memoryLimit'],
    rss: Number(rss),
    rss_most: Number(maxRss),
  };
  const spaces = Object.entries(memberOf(heap, 'heapSpaces')).map(
    ([name, space]) => [`heap_${name}`, isObject(space) ? Number(space['used']) : Number.NaN] as const,
  );
  return Object.fromEntries(
    [...Object.entries(named), ...spaces].flatMap(([name, value]) =>
      typeof value === 'number' && Number.isFinite(value) ? [[name, value]] : [],
    ),
  );
}

function handlesOf(raw: JsonObject): Record<string, number> {
  const counts: Record<string, number> = {};
  const handles = raw['libuv'];
  for (const handle of Array.isArray(handles) ? handles : []) {
    const type = isObject(handle) ? handle['type'] : undefined;
    if (typeof type === 'string') counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

function memberOf(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isObject(value) ? value : {};
}
