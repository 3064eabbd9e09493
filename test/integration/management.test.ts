/** Lists and progress on the wire, and `curl` as people use it. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { ask, type Json, json, lastRequest, lines } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

test('tags and ps have every field that Ollama gives', async () => {
  await ask(cluster, '/api/generate', { model: 'llama3.2', prompt: '' });
  for (const path of ['/api/tags', '/api/ps']) {
    const theirs = json(await ask(cluster.fake, path));
    const ours = await ask(cluster, path);
    assert.deepEqual(json(ours), theirs);
    assert.equal(ours.headers.get('content-type'), 'application/json; charset=utf-8');
  }
});

test('show, status and recommendations are passed on byte for byte', async () => {
  for (const [method, path, body] of [
    ['POST', '/api/show', { model: 'llama3.2', verbose: true }],
    ['POST', '/api/show', { name: 'llama3.2' }],
    ['GET', '/api/status', undefined],
    ['GET', '/api/experimental/model-recommendations', undefined],
  ] as const) {
    const theirs = await ask(cluster.fake, path, body, { method });
    const ours = await ask(cluster, path, body, { method });
    assert.deepEqual(
      [ours.status, ours.text, ours.headers.get('content-type')],
      [theirs.status, theirs.text, theirs.headers.get('content-type')],
    );
  }
});

test('show sees which program asks', async () => {
  const headers = { 'user-agent': 'GitHubCopilotChat/1.0' };
  const answer = json(await ask(cluster, '/api/show', { model: 'llama3.2:latest' }, { headers }));
  assert.equal((answer['model_info'] as Json)['general.basename'], 'llama3.2:latest');
});

test('pull, push and create stream progress as NDJSON, and answer with the last line without a stream', async () => {
  for (const [path, body] of [
    ['/api/pull', { model: 'new-one' }],
    ['/api/push', { model: 'new-one' }],
    ['/api/create', { model: 'newer', from: 'new-one' }],
  ] as const) {
    const streamed = await ask(cluster, path, body);
    assert.equal(streamed.headers.get('content-type'), 'application/x-ndjson');
    assert.deepEqual(lines(streamed.text).at(-1), { status: 'success' });
    assert.equal(streamed.text, (await ask(cluster.fake, path, body)).text);
    const whole = await ask(cluster, path, { ...body, stream: false });
    assert.deepEqual([whole.status, whole.text], [200, '{"status":"success"}']);
    assert.match(whole.headers.get('content-type') ?? '', /^application\/json/);
  }
});

test('progress that breaks off is an error, never a silent end', async () => {
  for (const fault of ['end-silently', 'die-mid-stream'] as const) {
    await cluster.control.fault({ fault, path: '/api/pull', after: 2 });
    const streamed = lines((await ask(cluster, '/api/pull', { model: 'new-one' })).text);
    assert.equal(typeof streamed.at(-1)?.['error'], 'string', fault);
    assert.equal((await ask(cluster, '/api/pull', { model: 'new-one', stream: false })).status, 502, fault);
    await cluster.control.clearFaults();
  }
});

test('copy and delete answer 200 with an empty body', async () => {
  const copied = await ask(cluster, '/api/copy', { source: 'llama3.2', destination: 'mine' });
  assert.deepEqual([copied.status, copied.text], [200, '']);
  const deleted = await ask(cluster, '/api/delete', { model: 'mine' }, { method: 'DELETE' });
  assert.deepEqual([deleted.status, deleted.text], [200, '']);
});

const curl = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('curl', ['--silent', '--show-error', '--max-time', '10', ...args])).stdout;

const curlIsHere = spawnSync('curl', ['--version']).status === 0;

test('curl -d without a content type works', { skip: !curlIsHere && 'curl is not installed' }, async () => {
  const body = '{"model":"llama3.2","prompt":"echo:from the shell","stream":false}';
  assert.equal(
    (JSON.parse(await curl('-d', body, `${cluster.url}/api/generate`)) as Json)['response'],
    'from the shell',
  );
  assert.equal(lastRequest(cluster.control, '/api/generate').headers['content-type'], 'application/json');
  const streamed = await curl('-N', '-d', '{"model":"llama3.2","prompt":"echo:x"}', `${cluster.url}/api/generate`);
  assert.equal(lines(streamed).at(-1)?.['done'], true);
});

test('curl sends more than a kilobyte with Expect: 100-continue, HEAD, and HTTP/1.0', {
  skip: !curlIsHere && 'curl is not installed',
}, async () => {
  const body = JSON.stringify({ model: 'llama3.2', prompt: `echo:${'x'.repeat(20_000)}`, stream: false });
  const child = execFile(
    'curl',
    ['--silent', '-H', 'Expect: 100-continue', '-d', '@-', `${cluster.url}/api/generate`],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  child.stdin?.end(body);
  let text = '';
  for await (const piece of child.stdout ?? []) text += String(piece);
  assert.equal((JSON.parse(text) as { response: string }).response.length, 20_000);
  assert.match(await curl('--head', cluster.url), /^HTTP\/1\.1 200 OK/);
  assert.equal(await curl('--http1.0', cluster.url), 'Ollama is running');
});
