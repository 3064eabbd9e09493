/** HTTP/1.1 below the API: what a front must refuse so that nobody can smuggle, and what it must still accept. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { chat, raw, statusOf } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ env: { REQUEST_TIMEOUT: '2s' } });
});
after(() => cluster?.stop());

const send = (...rows: string[]) => raw(cluster.port, rows.join('\r\n'));
const close = 'Connection: close';
const host = 'Host: localhost';
const answers = (text: string): number => text.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
const body = JSON.stringify(chat('echo:x', { stream: false }));
const post = ['POST /api/chat HTTP/1.1', host];

test('Host: missing, doubled and malformed ones are refused', async () => {
  for (const rows of [
    ['GET / HTTP/1.1'],
    ['GET / HTTP/1.1', host, host],
    ['GET / HTTP/1.1', host, 'Host: evil.example'],
    ['GET / HTTP/1.1', 'Host: a b'],
    ['GET / HTTP/1.1', 'Host: localhost/x'],
    ['GET / HTTP/1.1', 'Host: user@localhost'],
    ['GET / HTTP/1.1', 'Host: localhost:99999'],
    ['GET / HTTP/1.1', 'Host: localhost:x'],
    ['GET / HTTP/1.1', 'Host: '],
  ]) {
    const answer = await send(...rows, '', '');
    assert.deepEqual([statusOf(answer), answer.closed], [400, true], rows.join(' | '));
  }
});

test('HTTP/1.0 needs no Host', async () => {
  assert.equal(statusOf(await send('GET / HTTP/1.0', '', '')), 200);
});

test('OPTIONS * and OPTIONS of a path say what there is', async () => {
  const all = await send('OPTIONS * HTTP/1.1', host, close, '', '');
  assert.equal(statusOf(all), 204);
  assert.match(all.text, /^Allow: .*GET.*POST/m);
  const one = await send('OPTIONS /api/chat HTTP/1.1', host, close, '', '');
  assert.match(one.text, /^Allow: POST, OPTIONS\r$/m);
  assert.equal(statusOf(await send('GET * HTTP/1.1', host, close, '', '')), 400);
});

test('a Transfer-Encoding that nobody undoes gets 501 and the end of the connection', async () => {
  for (const coding of ['gzip', 'gzip, chunked', 'identity', 'xchunked']) {
    const answer = await send(...post, `Transfer-Encoding: ${coding}`, '', '0\r\n\r\n');
    assert.ok([400, 501].includes(statusOf(answer)), `${coding}: ${answer.text}`);
    assert.ok(answer.closed, coding);
  }
  assert.equal(statusOf(await send(...post, 'Transfer-Encoding: gzip, chunked', '', '0\r\n\r\n')), 501);
});

test('a Transfer-Encoding that nobody undoes gets one answer, not two', async () => {
  const answer = await send(...post, 'Transfer-Encoding: gzip', '', '0\r\n\r\n');
  assert.equal(answers(answer.text), 1);
});

test('a request of another version of HTTP is refused', async () => {
  for (const line of ['GET / HTTP/2.0', 'GET / HTTP/0.9'])
    assert.ok([400, 505].includes(statusOf(await send(line, host, close, '', ''))));
});

test('a body with two lengths, or a length and chunks, is refused', async () => {
  for (const rows of [
    ['Content-Length: 2', 'Content-Length: 3'],
    ['Content-Length: 2', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Content-Length: 2'],
    ['Content-Length: -1'],
    ['Content-Length: 2x'],
    ['Content-Length: +2'],
    ['Content-Length: 0x2'],
  ]) {
    const answer = await send(...post, ...rows, '', '{}');
    assert.deepEqual([statusOf(answer), answer.closed], [400, true], rows.join(' | '));
  }
});

test('broken chunks are refused, on known and unknown paths alike', async () => {
  for (const path of ['/api/chat', '/nothing', '/api/tags']) {
    for (const chunks of [
      'zz\r\nab\r\n0\r\n\r\n',
      '5\r\nab\r\n0\r\n\r\n',
      '-1\r\nab\r\n',
      '2\r\nabc\r\n0\r\n\r\n',
      '2 \n ab\r\n0\r\n\r\n',
    ]) {
      const answer = await send(`POST ${path} HTTP/1.1`, host, 'Transfer-Encoding: chunked', '', chunks);
      assert.deepEqual([statusOf(answer), answer.closed], [400, true], `${path} ${JSON.stringify(chunks)}`);
      assert.equal(answers(answer.text), 1);
    }
  }
});

test('a huge chunk extension is refused instead of read for ever', async () => {
  const answer = await send(...post, 'Transfer-Encoding: chunked', '', `2;${'x'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`);
  assert.ok([400, 413, 431].includes(statusOf(answer)), answer.text);
  assert.ok(answer.closed);
});

test('good chunks are read, with extensions and trailers', async () => {
  const half = Math.floor(body.length / 2);
  const chunk = (text: string, extension = '') => `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
  const chunks = `${chunk(body.slice(0, half), ';a=b')}${chunk(body.slice(half))}0\r\nX-Trailer: 1\r\n\r\n`;
  const answer = await send(...post, close, 'Transfer-Encoding: chunked', '', chunks);
  assert.equal(statusOf(answer), 200);
  assert.match(answer.text, /"content":"x"/);
});

test('headers that are folded, nameless or hold control characters are refused', async () => {
  for (const row of ['X-A: 1\r\n folded', ': nameless', 'X A: 1', 'X-A : 1', 'X-A: a\u0000b', 'X-A\u0001: 1']) {
    const answer = await send('GET / HTTP/1.1', host, row, '', '');
    assert.deepEqual([statusOf(answer), answer.closed], [400, true], JSON.stringify(row));
  }
});

test('request lines that are none are refused', async () => {
  for (const line of [
    'GET / HTTP/9.9',
    'get / HTTP/1.1',
    'GET / HTTP/1.1 x',
    'GET api/tags HTTP/1.1',
    'GET /a#b HTTP/1.1',
  ]) {
    const answer = await send(line, host, '', '');
    assert.ok([400, 505].includes(statusOf(answer)), `${line}: ${answer.text}`);
    assert.ok(answer.closed, line);
  }
});

test('a refused body is not taken for the next request', async () => {
  const smuggled = 'GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n';
  for (const path of ['/nothing', '/api/tags', '/api/show']) {
    const answer = await raw(
      cluster.port,
      `POST ${path} HTTP/1.1\r\n${host}\r\n${close}\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    assert.equal(answers(answer.text), 1, path);
    assert.ok(!answer.text.includes('"version"'));
  }
});

test('requests that come together are answered in order', async () => {
  const one = (path: string, more = '') => `GET ${path} HTTP/1.1\r\n${host}\r\n${more}\r\n`;
  const answer = await raw(cluster.port, one('/') + one('/nothing') + one('/api/version', `${close}\r\n`));
  assert.deepEqual(
    [...answer.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status),
    ['200', '404', '200'],
  );
});

test('Expect: 100-continue is answered before the body is sent', async () => {
  const head = [...post, 'Expect: 100-continue', `Content-Length: ${body.length}`, '', ''].join('\r\n');
  const interim = await raw(cluster.port, head, text => text.includes('100 Continue'));
  assert.match(interim.text, /^HTTP\/1\.1 100 Continue\r\n\r\n/);
});

test('an upgrade that nobody offers is a plain request', async () => {
  const answer = await send('GET / HTTP/1.1', host, close, 'Connection: Upgrade', 'Upgrade: websocket', '', '');
  assert.equal(statusOf(answer), 200);
});
