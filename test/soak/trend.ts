/**
 * Whether a series of measurements grows, beyond what chance and its own scatter explain. Pure.
 *
 * The slope is the median of the slopes between all pairs of points (Theil 1950, Sen 1968), which a garbage collector's saw-tooth and
 * single peaks do not bend; whether there is a trend at all is the test of Mann (1945) and Kendall (1975).
 */

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Trend {
  /** Per hour, in the unit of the values. */
  readonly slopePerHour: number;
  /** Of Mann and Kendall: how many standard deviations from no trend; above 0 it grows. */
  readonly z: number;
  /** Median of how far the points lie from the line. */
  readonly scatter: number;
  /** What it has grown by from the first point to the last, along the line. */
  readonly growth: number;
}

const hourMs = 3_600_000;
/** More points tell no more, and all pairs of them take long. */
const maxPoints = 500;

/** @throws RangeError for fewer than ten points */
export function trendOf(all: readonly Point[]): Trend {
  const points = thinned(all);
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 10) throw new RangeError('fewer than ten points');
  const slopes: number[] = [];
  let sign = 0;
  for (const [index, one] of points.entries()) {
    for (const other of points.slice(index + 1)) {
      slopes.push((other.value - one.value) / (other.atMs - one.atMs));
      sign += Math.sign(other.value - one.value);
    }
  }
  const slope = median(slopes);
  const middle = median(points.map(({ atMs, value }) => value - slope * atMs));
  const scatter = median(points.map(({ atMs, value }) => Math.abs(value - slope * atMs - middle)));
  return { slopePerHour: slope * hourMs, z: zOf(sign, points), scatter, growth: slope * (last.atMs - first.atMs) };
}

/** With the correction for equal values. */
function zOf(sign: number, points: readonly Point[]): number {
  const n = points.length;
  const ties = new Map<number, number>();
  for (const { value } of points) ties.set(value, (ties.get(value) ?? 0) + 1);
  let variance = n * (n - 1) * (2 * n + 5);
  for (const t of ties.values()) variance -= t * (t - 1) * (2 * t + 5);
  if (variance <= 0) return 0;
  return (sign - Math.sign(sign)) / Math.sqrt(variance / 18);
}

/** One in a hundred runs without any trend would be told to grow. */
const significantZ = 2.326;

/** @param leastGrowth what is less is no matter, however certain */
export function grows({ z, growth, scatter }: Trend, leastGrowth: number): boolean {
  return z > significantZ && growth > Math.max(leastGrowth, 3 * scatter);
}

function thinned(points: readonly Point[]): readonly Point[] {
  const every = Math.ceil(points.length / maxPoints);
  return points.filter((_, index) => index % every === 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = sorted.length % 2 === 1 ? [sorted[at], sorted[at]] : [sorted[at - 1], sorted[at]];
  return (low + high) / 2;
}
