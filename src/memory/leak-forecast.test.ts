import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLeak, LeakForecast, type Point } from './leak-forecast.ts';

const mb = 1024 * 1024;
const limit = 435 * mb;

/** Live heap every 30 s, in MB. */
function series(count: number, at: (index: number) => number): Point[] {
  return Array.from({ length: count }, (_, index) => ({ atMs: index * 30_000, bytes: at(index) * mb }));
}

/** Repeatable noise between -1 and 1. */
function noise(index: number): number {
  const value = Math.sin(index * 12.9898) * 43_758.5453;
  return 2 * (value - Math.floor(value)) - 1;
}

/** Recorded behind major collections of a worker that relays streams, one every 30 s, in MB. */
const healthy = [
  29.1, 29.6, 28.9, 30.4, 29.0, 29.3, 31.2, 29.2, 28.8, 29.9, 29.4, 30.1, 29.0, 29.7, 28.9, 29.5, 30.8, 29.1, 29.3,
  29.0, 29.8, 30.2, 29.1, 28.9, 29.6, 29.2, 30.0, 29.4, 29.1, 29.7,
];

test('a service that is well is no leak, as recorded', () => {
  assert.equal(
    findLeak(
      series(healthy.length, index => healthy[index] ?? 0),
      limit,
    ),
    undefined,
  );
});

test('a saw-tooth is no leak, however long and high its teeth are', () => {
  for (const period of [5, 13, 31, 47, 60]) {
    const points = series(120, index => 80 + 60 * ((index % period) / period) + noise(index));
    assert.equal(findLeak(points, limit), undefined, `period ${period}`);
  }
});

test('noise is no leak', () => {
  assert.equal(
    findLeak(
      series(120, index => 120 + 40 * noise(index)),
      limit,
    ),
    undefined,
  );
});

test('a step is no leak, wherever in the window it lies', () => {
  for (const step of [10, 30, 45, 60, 75, 90, 110]) {
    const points = series(120, index => (index < step ? 60 : 140) + 2 * noise(index));
    assert.equal(findLeak(points, limit), undefined, `step at ${step}`);
  }
});

test('a cache that fills and is full is no leak', () => {
  const points = series(120, index => 60 + Math.min(50, 2 * index) + noise(index));
  assert.equal(findLeak(points, limit), undefined);
});

test('a leak under noise and teeth is found, with its speed and the time that is left', () => {
  const points = series(120, index => 60 + 0.5 * index + 8 * noise(index) + 5 * ((index % 7) / 7));
  const leak = findLeak(points, limit);
  assert.ok(leak !== undefined);
  // Half a megabyte in 30 s are 60 in an hour.
  assert.ok(Math.abs(leak.bytesPerHour / mb - 60) < 6, `${leak.bytesPerHour / mb} MB an hour`);
  assert.ok(Math.abs(leak.leftMs / 3_600_000 - 5.2) < 0.8, `${leak.leftMs / 3_600_000} h`);
});

test('single points that lie apart hide no leak and make none', () => {
  const spikes = series(120, index => 60 + (index % 40 === 39 ? 200 : 0) + noise(index));
  assert.equal(findLeak(spikes, limit), undefined);
  const leaking = series(120, index => 60 + index + (index % 40 === 39 ? -50 : 0));
  assert.ok(findLeak(leaking, limit) !== undefined);
});

test('growth that is small, or was seen for a short time, says nothing', () => {
  assert.equal(
    findLeak(
      series(120, index => 60 + 0.1 * index),
      limit,
    ),
    undefined,
    '12 MB',
  );
  assert.equal(
    findLeak(
      series(19, index => 60 + 5 * index),
      limit,
    ),
    undefined,
    '9 min',
  );
  assert.ok(
    findLeak(
      series(21, index => 60 + 5 * index),
      limit,
    ) !== undefined,
    '10 min',
  );
});

test('points nearer than 30 s are left out, so that the window stays an hour', () => {
  const forecast = new LeakForecast();
  for (let second = 0; second < 3600; second++) forecast.add({ atMs: second * 1000, bytes: (60 + second / 36) * mb });
  const leak = forecast.leak(limit);
  assert.ok(leak !== undefined && Math.abs(leak.bytesPerHour / mb - 100) < 1);
});
