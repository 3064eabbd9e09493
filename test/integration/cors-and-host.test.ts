/** Who may ask from a browser, and under which name: as Ollama decides it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { ask, raw, statusOf } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({
    env: {
      OLLAMA_ORIGINS: 'https://app.example, https://*.trusted.example, chrome-extension://*',
      ALLOWED_HOSTS: 'chat.example',
    },
  });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const withOrigin = (path: string, origin: string, method = 'GET', body?: unknown) =>
  ask(cluster, path, body, { method, headers: { origin } });

test('a foreign Origin is refused with 403 and an empty body, on every kind of request', async () => {
  for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null', 'https://app.example.evil']) {
    for (const [method, path, body] of [
      ['GET', '/api/tags', undefined],
      ['POST', '/api/chat', { model: 'llama3.2', messages: [] }],
      ['POST', '/v1/chat/completions', {}],
      ['OPTIONS', '/api/chat', undefined],
      ['GET', '/unknown', undefined],
    ] as const) {
      const answer = await withOrigin(path, origin, method, body);
      assert.deepEqual([answer.status, answer.text], [403, ''], `${origin} ${method} ${path}`);
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }
  }
  assert.equal(cluster.control.state().generations, 0, 'nothing of it reached a model');
});

test('localhost on any port, app schemes and configured origins are allowed, streams too', async () => {
  for (const origin of [
    'http://localhost',
    'http://localhost:3000',
    'https://127.0.0.1:8443',
    'http://0.0.0.0:1',
    'app://obsidian.md',
    'tauri://localhost',
    'vscode-webview://abc',
    'https://app.example',
    'https://a.trusted.example',
  ]) {
    const answer = await withOrigin('/api/tags', origin);
    assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, origin]);
    assert.match(answer.headers.get('vary') ?? '', /origin/i);
  }
  const stream = await withOrigin('/api/generate', 'http://localhost:3000', 'POST', { model: 'llama3.2', prompt: 'x' });
  assert.equal(stream.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  const failed = await withOrigin('/api/generate', 'http://localhost:3000', 'POST', { model: 'nope', prompt: 'x' });
  assert.deepEqual([failed.status, failed.headers.get('access-control-allow-origin')], [404, 'http://localhost:3000']);
});

test('browser extensions are refused until they are configured, as Ollama has it', async () => {
  const origin = 'moz-extension://1234-5678';
  assert.equal((await ask(cluster.fake, '/api/tags', undefined, { headers: { origin } })).status, 403);
  assert.equal((await withOrigin('/api/tags', origin)).status, 403);
  assert.equal((await withOrigin('/api/tags', 'chrome-extension://abcdef')).status, 200);
});

test('our own origin needs no CORS', async () => {
  assert.equal((await withOrigin('/api/tags', cluster.url)).status, 200);
});

test('a preflight says what is allowed, for twelve hours', async () => {
  const headers = {
    origin: 'http://localhost:3000',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-stainless-os',
  };
  const answer = await ask(cluster, '/v1/chat/completions', undefined, { method: 'OPTIONS', headers });
  assert.deepEqual([answer.status, answer.text], [204, '']);
  assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  assert.equal(answer.headers.get('access-control-max-age'), '43200');
  const allowed = (answer.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(',');
  for (const name of [
    'authorization',
    'content-type',
    'x-api-key',
    'anthropic-version',
    'openai-beta',
    'x-stainless-os',
  ]) {
    assert.ok(allowed.includes(name), name);
  }
  const methods = (answer.headers.get('access-control-allow-methods') ?? '').split(',');
  assert.deepEqual(methods.toSorted(), ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);
});

test("our clients' origins, names and credentials stay with us", async () => {
  const headers = {
    origin: 'http://localhost:3000',
    authorization: 'Bearer x',
    cookie: 'a=b',
    'x-api-key': cluster.key,
  };
  for (const [path, body] of [
    ['/api/generate', { model: 'llama3.2', prompt: 'x' }],
    ['/api/show', { model: 'llama3.2' }],
    ['/api/pull', { model: 'new' }],
    ['/api/embed', { model: 'nomic-embed-text', input: 'x' }],
  ] as const) {
    assert.equal((await ask(cluster, path, body, { headers })).status, 200);
    const seen = cluster.control.state().requests.findLast(request => request.path === path)?.headers ?? {};
    for (const name of ['origin', 'authorization', 'cookie', 'x-api-key', 'x-request-id'])
      assert.equal(seen[name], undefined);
    assert.equal(seen.host, new URL(cluster.fake.url).host);
  }
});

const askAs = (host: string, path = '/api/version') =>
  raw(cluster.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

test('a name that only DNS rebinding would use is refused with 403 and an empty body', async () => {
  for (const host of ['evil.example', 'localhost.evil.example', '8.8.8.8', 'chat.example.evil', '[2001:db8::1]']) {
    const answer = await askAs(host);
    assert.equal(statusOf(answer), 403, host);
    assert.ok(answer.text.endsWith('\r\n\r\n'), 'the body is empty');
  }
});

test('local names, private addresses and configured names are served, with any port', async () => {
  for (const host of [
    'localhost',
    'LOCALHOST:1234',
    'localhost.',
    '127.0.0.1:3001',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1:80',
    '[::1]:3001',
    '[fd00::1]',
    'my.local',
    'api.localhost:80',
    'box.internal',
    'chat.example',
    'chat.example:443',
  ]) {
    assert.equal(statusOf(await askAs(host)), 200, host);
  }
});

test('a target in absolute form is judged by its own authority', async () => {
  assert.equal(statusOf(await askAs('localhost', 'http://localhost/api/version')), 200);
  assert.equal(statusOf(await askAs('localhost', 'http://evil.example/api/version')), 403);
});
