import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { MetricsFile, readMetricsFile } from './metrics-file.ts';
import { metricsFileName } from './metrics-owner.ts';
import type { MetricsSnapshot } from './metrics-snapshot.ts';

const owner = { role: 'blue', pid: 1, start: '2' };
const definition = { type: 'counter', name: 'a_total', help: 'x', unit: 'x', labels: [] } as const;
const catalogue = Buffer.from(
  JSON.stringify({ owner: 'blue-1-2', folded: [], metrics: [{ definition, series: [{ labels: [], at: 0 }] }] }),
);
const secondPlace = 16 * 1024 * 1024;

function folder(t: TestContext): { dir: string; path: string; file: MetricsFile } {
  const dir = mkdtempSync(join(tmpdir(), 'deci-metrics-file-'));
  const file = new MetricsFile({ dir, owner, onFailure: error => assert.fail(error) });
  t.after(() => {
    file.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, path: join(dir, metricsFileName(owner)), file };
}

function valueIn(path: string): number | undefined {
  const snapshot = readMetricsFile(path);
  return typeof snapshot === 'string' ? assert.fail(snapshot) : snapshot.values[0];
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

test('the newest of the two places counts, and the one before it when the newest is torn', t => {
  const { path, file } = folder(t);
  for (const value of [1, 2, 3]) {
    file.write(catalogue, Float64Array.of(value));
    assert.equal(valueIn(path), value);
  }
  // The third write went to the second place; half of a fourth then tears the first.
  overwrite(path, 30, Buffer.from('torn'));
  assert.equal(valueIn(path), 3);
  file.write(catalogue, Float64Array.of(4));
  assert.equal(valueIn(path), 4);
  overwrite(path, 30, Buffer.from('torn'));
  assert.equal(valueIn(path), 3);
  overwrite(path, secondPlace + 30, Buffer.from('torn'));
  assert.equal(readMetricsFile(path), 'damaged');
});

test('a flipped bit is found wherever it is', t => {
  const { path, file } = folder(t);
  file.write(catalogue, Float64Array.of(1));
  const written = readFileSync(path).subarray(secondPlace);
  for (const [offset, byte] of written.entries()) {
    const at = secondPlace + offset;
    overwrite(path, at, Buffer.of(byte ^ 1));
    assert.equal(readMetricsFile(path), 'damaged', `byte ${offset}`);
    overwrite(path, at, Buffer.of(byte));
  }
  assert.equal(valueIn(path), 1);
});

test('a file that is missing, empty, cut or no file at all is told apart', t => {
  const { dir, path, file } = folder(t);
  assert.equal(readMetricsFile(path), 'gone');
  closeSync(openSync(path, 'w'));
  assert.equal(readMetricsFile(path), 'empty');
  file.write(catalogue, Float64Array.of(1));
  truncateSync(path, statSync(path).size - 1);
  assert.equal(readMetricsFile(path), 'damaged');
  assert.equal(readMetricsFile(dir), 'damaged');
  const pipe = join(dir, 'metrics-blue-3-4.bin');
  execFileSync('mkfifo', [pipe]);
  assert.equal(readMetricsFile(pipe), 'damaged');
});

test('the hole between the places takes no space', t => {
  const { path, file } = folder(t);
  for (const value of [1, 2, 3]) file.write(catalogue, Float64Array.of(value));
  assert.ok(statSync(path).blocks * 512 < 1024 * 1024);
});

test('more than a place holds is refused, told once, and leaves what was there', t => {
  const { dir, path } = folder(t);
  const failures: string[] = [];
  const file = new MetricsFile({ dir, owner, onFailure: error => failures.push(error.message) });
  t.after(() => file.close());
  assert.equal(file.write(catalogue, Float64Array.of(1)), true);
  const huge = new Float64Array(secondPlace / 8);
  assert.equal(file.write(catalogue, huge), false);
  assert.equal(file.write(catalogue, huge), false);
  assert.equal(failures.length, 1);
  assert.equal(valueIn(path), 1);
  assert.equal(file.write(catalogue, Float64Array.of(2)), true);
  assert.equal(valueIn(path), 2);
});

test('a reader beside a writer that never pauses sees whole states only, and never an older one', async t => {
  const { dir, path } = folder(t);
  const source = `
    const { MetricsFile } = await import(${JSON.stringify(new URL('./metrics-file.ts', import.meta.url).href)});
    const { workerData, parentPort } = await import('node:worker_threads');
    const file = new MetricsFile({ ...workerData, onFailure: error => { throw error; } });
    const values = new Float64Array(20000);
    for (let i = 1; i <= 3000; i++) {
      file.write(Buffer.from(workerData.catalogue), values.fill(i));
      if (i === 1) parentPort.postMessage('begun');
    }
  `;
  const workerData = { dir, owner, catalogue: catalogue.toString() };
  const writer = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData });
  await new Promise((resolve, reject) => {
    writer.once('message', resolve);
    writer.once('error', reject);
  });
  const writing = { ended: false };
  const exited = new Promise<number>(resolve => {
    writer.once('exit', code => {
      writing.ended = true;
      resolve(code);
    });
  });
  let last = 0;
  let seen = 0;
  while (!writing.ended) {
    const snapshot = readMetricsFile(path);
    // Against a writer without any pause a reader may be lapped every time; it says so and shows nothing.
    if (snapshot !== 'damaged') last = whole(snapshot, last);
    seen++;
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.equal(await exited, 0);
  assert.equal(whole(readMetricsFile(path), last), 3000);
  assert.ok(seen > 10);
});

function whole(snapshot: MetricsSnapshot | string, last: number): number {
  if (typeof snapshot === 'string') return assert.fail(snapshot);
  const [first = 0] = snapshot.values;
  assert.ok(
    snapshot.values.every(value => value === first),
    'torn',
  );
  assert.ok(first >= last, `${first} after ${last}`);
  return first;
}
