/** Uploads of blobs: passed through with flat memory, and answered as Ollama answers them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, beforeEach, test } from 'node:test';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { ask, bearer, json, PeakRss } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ env: { TRANSFER_IDLE_TIMEOUT: '1s' } });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

/** Worker deaths are what these routes once caused, so every test looks for them. */
const pids = async (): Promise<number[]> => (await cluster.workers()).map(({ pid }) => pid).toSorted();
const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

test('a blob is missing, created, there and used', async () => {
  const workers = await pids();
  const text = 'GGUF and more bytes';
  const path = `/api/blobs/${digestOf(text)}`;
  assert.equal((await ask(cluster, path, undefined, { method: 'HEAD' })).status, 404);
  const created = await ask(cluster, path, text);
  assert.deepEqual([created.status, created.text], [201, '']);
  assert.equal((await ask(cluster, path, undefined, { method: 'HEAD' })).status, 200);
  const files = { 'a.gguf': digestOf(text) };
  const made = await ask(cluster, '/api/create', { model: 'mine', files, stream: false });
  assert.equal(made.text, '{"status":"success"}');
  assert.deepEqual(await pids(), workers);
});

test('a blob of other bytes than announced is refused with both digests', async () => {
  const workers = await pids();
  for (let i = 0; i < 4; i++) {
    const answer = await ask(cluster, `/api/blobs/${digestOf('a')}`, 'b');
    assert.equal(answer.status, 400);
    assert.equal(json(answer)['error'], `digest mismatch, expected "${digestOf('a')}", got "${digestOf('b')}"`);
  }
  assert.deepEqual(await pids(), workers);
});

test('a blob that is there already is answered before it is read', async () => {
  const workers = await pids();
  const path = `/api/blobs/${digestOf('twice')}`;
  assert.equal((await ask(cluster, path, 'twice')).status, 201);
  for (let i = 0; i < 4; i++) assert.equal((await ask(cluster, path, 'twice')).status, 200);
  assert.deepEqual(await pids(), workers);
});

test('a digest of no known form is refused', async () => {
  const workers = await pids();
  for (let i = 0; i < 4; i++) {
    const answer = await ask(cluster, '/api/blobs/nothing', 'abc');
    assert.deepEqual([answer.status, answer.text], [400, '{"error":"invalid digest format"}']);
  }
  assert.deepEqual(await pids(), workers);
});

test('an upload that Ollama refuses before it was sent is answered at once, and the worker lives', async () => {
  const workers = await pids();
  const large = Buffer.alloc(30 * 1024 * 1024, 'x');
  const startedAt = performance.now();
  const answer = await ask(cluster, '/api/blobs/nothing', large);
  assert.deepEqual([answer.status, answer.text], [400, '{"error":"invalid digest format"}']);
  assert.ok(performance.now() - startedAt < 5000);
  assert.deepEqual(await pids(), workers);
});

test('an upload that Ollama never answers ends with 504', async () => {
  const workers = await pids();
  await cluster.control.fault({ fault: 'hang', path: '/api/blobs/*' });
  assert.equal((await ask(cluster, `/api/blobs/${digestOf('never')}`, 'never')).status, 504);
  assert.deepEqual(await pids(), workers);
});

const pieceBytes = 1024 * 1024;

function* pieces(count: number): Generator<Buffer> {
  const piece = Buffer.alloc(pieceBytes, 'deci');
  for (let i = 0; i < count; i++) yield piece;
}

async function upload(path: string, count: number): Promise<number> {
  const signal = AbortSignal.timeout(30_000);
  const headers = bearer(cluster.key);
  const sending = request(`${cluster.url}${path}`, { method: 'POST', headers, agent: false, signal });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  sending.once('response', response => resolve(response.resume().statusCode ?? 0)).once('error', reject);
  await pipeline(Readable.from(pieces(count)), sending);
  return await promise;
}

test('512 MB pass through without gathering in a worker', async () => {
  const count = 512;
  const sum = createHash('sha256');
  for (const piece of pieces(count)) sum.update(piece);
  const peak = await PeakRss.watch(cluster);
  assert.equal(await upload(`/api/blobs/sha256:${sum.digest('hex')}`, count), 201);
  const grownMb = peak.stop();
  assert.ok(grownMb < 150, `the workers grew by ${grownMb.toFixed(0)} MB`);
});

test('an upload that breaks off reaches Ollama as one', async () => {
  const url = `${cluster.url}/api/blobs/${digestOf('never')}`;
  const sending = request(url, { method: 'POST', headers: bearer(cluster.key), agent: false });
  sending.on('error', () => undefined);
  sending.write(Buffer.alloc(pieceBytes));
  await cluster.control.waitFor(state => state.requests.some(({ path }) => path.startsWith('/api/blobs/')));
  sending.destroy();
  await cluster.control.waitFor(
    state => state.requests.some(({ path, outcome }) => path.startsWith('/api/blobs/') && outcome === 'aborted'),
    AbortSignal.timeout(1000),
  );
});
