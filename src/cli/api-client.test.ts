import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { FakeDeciApi, json, testKey } from '../../test/support/fake-deci-api.ts';
import { ApiClient, type ApiRequest } from './api-client.ts';
import { ApiFailure } from './api-failure.ts';

const never = new AbortController().signal;
const get: ApiRequest = { method: 'GET', path: '/api/journal' };
const put: ApiRequest = { method: 'PUT', path: '/api/admin/healers/x', body: { mode: 'on' } };

async function startApi(t: TestContext): Promise<FakeDeciApi> {
  const api = await new FakeDeciApi().start();
  t.after(() => api.stop());
  return api;
}

async function failureOf(url: string, request: ApiRequest, key: string | undefined = testKey): Promise<ApiFailure> {
  try {
    await new ApiClient({ url, key }, 300).send(request, never);
  } catch (error) {
    assert.ok(error instanceof ApiFailure, String(error));
    assert.ok(!error.message.includes(testKey));
    return error;
  }
  throw new Error('it did not fail');
}

test('a server that hangs, cuts its answer or closes is a failure that may pass; only what changes nothing is exit 3', async t => {
  const api = await startApi(t);
  for (const [name, lie, words] of [
    ['hangs', () => undefined, /did not answer on .* in time/],
    ['hangs in the middle', (_req, res) => res.write('{"data":'), /did not answer on .* in time/],
    [
      'cuts',
      (_req, res) => {
        res.writeHead(200, { 'content-length': '100' });
        res.write('{"data":[', () => res.destroy());
      },
      /broke the connection/,
    ],
    ['closes', req => req.socket.destroy(), /broke the connection/],
  ] as ReadonlyArray<[string, NonNullable<FakeDeciApi['lie']>, RegExp]>) {
    api.lie = lie;
    const read = await failureOf(api.url, get);
    assert.match(read.message, words, name);
    assert.deepEqual([read.exitCode, read.transient], [3, true], name);
    const write = await failureOf(api.url, put);
    assert.match(write.message, /It may have been done all the same/, name);
    assert.equal(write.exitCode, 1, name);
  }
});

test('an answer that no Deci gives is told as such: HTML, half of a JSON text, a list, a redirect', async t => {
  const api = await startApi(t);
  for (const [lie, transient] of [
    [(_req, res) => res.end('<html>'), false],
    [(_req, res) => res.end('{"data": ['), false],
    [(_req, res) => json(res, 200, []), false],
    [(_req, res) => res.writeHead(302, { location: 'http://127.0.0.1:9/' }).end('{}'), false],
    [(_req, res) => res.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found'), false],
    [(_req, res) => res.writeHead(502, { 'content-type': 'text/html\u0085' }).end('<html>'), true],
  ] as ReadonlyArray<[NonNullable<FakeDeciApi['lie']>, boolean]>) {
    api.lie = lie;
    const failure = await failureOf(api.url, get);
    assert.match(failure.message, /is not Deci, or a version of it without \/api\/journal/);
    assert.doesNotMatch(failure.message, /\p{Cc}/u);
    assert.deepEqual([failure.exitCode, failure.transient], [3, transient]);
  }
  // Not followed: the key goes to nobody else.
  assert.equal(api.asked.filter(line => line.startsWith('GET')).length, 6);
});

test('what does not speak HTTP is not Deci', async t => {
  const open = new Set<Socket>();
  const server = createServer(
    socket => open.add(socket.on('error', () => undefined)) && socket.end('220 mail ready\r\n'),
  );
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const failure = await failureOf(`http://127.0.0.1:${port}`, get);
  assert.match(failure.message, /is not Deci \(it does not speak HTTP\)/);
  assert.equal(failure.transient, false);
});

test('an answer without end is cut off', async t => {
  const api = await startApi(t);
  api.lie = (_req, res) => {
    const chunk = Buffer.alloc(1024 * 1024, 120);
    const pour = (): void => {
      while (!res.destroyed && res.write(chunk));
    };
    res.on('drain', pour);
    pour();
  };
  const client = new ApiClient({ url: api.url, key: testKey }, 20_000);
  await assert.rejects(client.send(get, never), /sent more than an answer of Deci can be/);
});

test('a refusal carries the words and the hint of the server, printable and short; only 5xx and 429 may pass', async t => {
  const api = await startApi(t);
  for (const [status, body, words, exitCode, transient] of [
    [
      403,
      { detail: 'this needs another role', hint: 'Use an admin key.' },
      /refused \(403\): this needs another role\n {2}Use an admin key\./,
      3,
      false,
    ],
    [400, { error: 'as Ollama tells it' }, /as Ollama tells it/, 1, false],
    [400, { error: { message: 'as OpenAI tells it' } }, /as OpenAI tells it/, 1, false],
    [409, {}, /refused \(409\): status 409/, 1, false],
    [503, { detail: 'x'.repeat(5000) }, /x{500}$/, 1, true],
    [429, { title: 'Slow\u001B[2J' }, /Slow\\u001b\[2J/, 1, true],
  ] as const) {
    api.lie = (_req, res) => json(res, status, body);
    const failure = await failureOf(api.url, get);
    assert.match(failure.message, words);
    assert.deepEqual([failure.exitCode, failure.transient], [exitCode, transient]);
  }
});

test('who sent no key is told how to send one', async t => {
  const api = await startApi(t);
  const failure = await failureOf(api.url, get, '');
  assert.doesNotMatch(failure.message, /DECI_KEY/);
  const client = new ApiClient({ url: api.url, key: undefined });
  await assert.rejects(client.send(get, never), /No key was sent: set DECI_KEY, or DECI_KEY_FILE/);
});

test('nobody there, no such host: not sent, nothing changed', async () => {
  const refused = await failureOf('http://127.0.0.1:9', put);
  assert.equal(
    refused.message,
    'Deci does not answer on http://127.0.0.1:9: start it with npm start, or set DECI_URL.',
  );
  assert.deepEqual([refused.exitCode, refused.transient], [3, true]);
  const unknown = await failureOf('http://deci.invalid', put);
  assert.equal(unknown.exitCode, 3);
});

test('a success without a body is an empty object', async t => {
  const api = await startApi(t);
  api.lie = (_req, res) => res.writeHead(204).end();
  assert.deepEqual(await new ApiClient({ url: api.url, key: testKey }).send(put, never), {});
});
