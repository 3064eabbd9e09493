/**
 * Whether what survives collection grows steadily, and when it reaches the end. Pure but for the points that it keeps.
 *
 * Theil and Sen's slope (the median of all slopes between two points) is not moved by single points that lie apart; Mann and
 * Kendall's test says whether there is a trend at all. Both find a trend in a single step too, so each quarter of the window must
 * have its part of the growth. Sources: Sen, JASA 63 (1968) 1379; Mann, Econometrica 13 (1945) 245.
 */

export interface Point {
  /** Monotonic, in ms. */
  readonly atMs: number;
  readonly bytes: number;
}

export interface Leak {
  readonly bytesPerHour: number;
  /** Until the limit is reached. */
  readonly leftMs: number;
}

const maxPoints = 120;
const spacingMs = 30_000;
const windowMs = 60 * 60_000;
const leastPoints = 12;
const leastSpanMs = 10 * 60_000;
const leastGrowth = 0.1;
const leastGrowthBytes = 20 * 1024 * 1024;
/** Two-sided p < 0.01. */
const significantZ = 2.576;
/** Of the whole growth, between each quarter and the next; a steady one has a third. */
const leastPart = 0.1;

export class LeakForecast {
  #points: Point[] = [];
  /** Found once a point, since it takes milliseconds. */
  #growth: Growth | undefined;

  /** @param point one behind a major collection; nearer ones than 30 s are left out */
  add(point: Point): void {
    const last = this.#points.at(-1);
    if (last !== undefined && point.atMs - last.atMs < spacingMs) return;
    const kept = this.#points.filter(({ atMs }) => point.atMs - atMs < windowMs);
    this.#points = [...kept, point].slice(-maxPoints);
    this.#growth = findGrowth(this.#points);
  }

  leak(limitBytes: number): Leak | undefined {
    return this.#growth === undefined ? undefined : leakOf(this.#growth, limitBytes);
  }
}

interface Growth {
  readonly bytesPerMs: number;
  readonly lastBytes: number;
}

export function findLeak(points: readonly Point[], limitBytes: number): Leak | undefined {
  const growth = findGrowth(points);
  return growth === undefined ? undefined : leakOf(growth, limitBytes);
}

function leakOf({ bytesPerMs, lastBytes }: Growth, limitBytes: number): Leak {
  return { bytesPerHour: bytesPerMs * 3_600_000, leftMs: Math.max(0, limitBytes - lastBytes) / bytesPerMs };
}

function findGrowth(points: readonly Point[]): Growth | undefined {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < leastPoints) return undefined;
  const spanMs = last.atMs - first.atMs;
  if (spanMs < leastSpanMs || trendZ(points) < significantZ) return undefined;
  const bytesPerMs = medianSlope(points);
  const grown = bytesPerMs * spanMs;
  const start = median(points.slice(0, Math.ceil(points.length / 4)).map(({ bytes }) => bytes));
  if (grown < leastGrowthBytes || grown < leastGrowth * start || !isSpread(points)) return undefined;
  return { bytesPerMs, lastBytes: last.bytes };
}

function medianSlope(points: readonly Point[]): number {
  const slopes: number[] = [];
  points.forEach((earlier, at) => {
    for (const later of points.slice(at + 1)) slopes.push((later.bytes - earlier.bytes) / (later.atMs - earlier.atMs));
  });
  return median(slopes);
}

/** Mann and Kendall's S over its standard deviation, with their correction for continuity; ties only make it smaller. */
function trendZ(points: readonly Point[]): number {
  let score = 0;
  points.forEach((earlier, at) => {
    for (const later of points.slice(at + 1)) score += Math.sign(later.bytes - earlier.bytes);
  });
  const count = points.length;
  const deviation = Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  return (score - Math.sign(score)) / deviation;
}

function isSpread(points: readonly Point[]): boolean {
  const quarters = [0, 1, 2, 3].map(at => {
    const part = points.slice(Math.floor((at * points.length) / 4), Math.floor(((at + 1) * points.length) / 4));
    return median(part.map(({ bytes }) => bytes));
  });
  const growth = (quarters[3] ?? 0) - (quarters[0] ?? 0);
  return quarters.every((bytes, at) => at === 0 || bytes - (quarters[at - 1] ?? 0) >= leastPart * growth);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
