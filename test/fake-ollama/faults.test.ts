import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_NAMES, type Fault, Faults } from './faults.ts';
import { chat, post, postJson, postLines, rawPost, startFor } from './test-client.ts';

async function bodyUnder(context: Parameters<typeof startFor>[0], fault: Fault, extra: Record<string, unknown> = {}) {
  const fake = await startFor(context);
  await fake.control.fault(fault);
  const response = await post(fake, '/api/chat', chat('echo:one two three four five six', extra));
  let broken = false;
  let text = '';
  try {
    for await (const piece of response.body ?? []) text += Buffer.from(piece).toString();
  } catch {
    broken = true;
  }
  return { fake, response, text, broken, lines: text.split('\n').filter(line => line !== '') };
}

const isDone = (text: string) => text.includes('"done":true');

test('die-mid-stream breaks the connection after N lines', async context => {
  const { lines, broken, text, fake } = await bodyUnder(context, { fault: 'die-mid-stream', after: 2 });
  assert.deepEqual([lines.length, broken, isDone(text)], [2, true, false]);
  assert.equal(fake.control.state().requests[0]?.outcome, 'cut');
});

test('die-mid-stream strikes before the last line even when N is larger', async context => {
  const { broken, text } = await bodyUnder(context, { fault: 'die-mid-stream', after: 1000 });
  assert.deepEqual([broken, isDone(text)], [true, false]);
});

test('end-silently ends cleanly after N lines, without done', async context => {
  const { lines, broken, text } = await bodyUnder(context, { fault: 'end-silently', after: 2 });
  assert.deepEqual([lines.length, broken, isDone(text)], [2, false, false]);
});

test('done-false sends all lines, the last one not done', async context => {
  const { text, broken, lines } = await bodyUnder(context, { fault: 'done-false' });
  assert.equal(broken, false);
  assert.equal((JSON.parse(lines.at(-1) ?? '') as { done: boolean }).done, false);
  assert.equal(isDone(text), false);
});

test('without a stream the silent faults are a 200 that is not done', async context => {
  for (const fault of ['end-silently', 'done-false', 'repeat-token'] as const) {
    const { response, text } = await bodyUnder(context, { fault }, { stream: false });
    assert.equal(response.status, 200);
    assert.equal((JSON.parse(text) as { done: boolean }).done, false, fault);
  }
});

test('half-line ends in the middle of a line', async context => {
  const { lines, broken } = await bodyUnder(context, { fault: 'half-line', after: 1 });
  assert.equal(broken, false);
  assert.doesNotThrow(() => JSON.parse(lines[0] ?? ''));
  assert.throws(() => JSON.parse(lines[1] ?? ''));
});

test('malformed-line puts one line that is no JSON into a stream that goes on', async context => {
  const { lines, text } = await bodyUnder(context, { fault: 'malformed-line', after: 1 });
  assert.equal(lines[1], 'this is not JSON');
  assert.ok(isDone(text));
});

test('blank-lines come between the lines', async context => {
  const { text } = await bodyUnder(context, { fault: 'blank-lines' });
  assert.ok(text.startsWith('\n\n{'));
  assert.ok(isDone(text));
});

test('error-line ends the stream with an error, and is a 500 without one', async context => {
  const { lines, text } = await bodyUnder(context, { fault: 'error-line', after: 1, message: 'out of memory' });
  assert.equal(lines[1], '{"error":"out of memory"}');
  assert.equal(isDone(text), false);
  const plain = await bodyUnder(context, { fault: 'error-line', message: 'out of memory' }, { stream: false });
  assert.deepEqual([plain.response.status, plain.text], [500, '{"error":"out of memory"}']);
});

test('repeat-token says one token thirty times and falls silent', async context => {
  const { lines, broken, text } = await bodyUnder(context, { fault: 'repeat-token' });
  assert.deepEqual([lines.length, broken, isDone(text)], [30, false, false]);
});

test('huge-line is one valid line of the asked size', async context => {
  const { lines } = await bodyUnder(context, { fault: 'huge-line', bytes: 1_000_000 });
  assert.equal(lines[0]?.length, 999_999);
  assert.doesNotThrow(() => JSON.parse(lines[0] ?? ''));
});

test('never-newline goes on without a newline until it is cut', async context => {
  const { text, broken } = await bodyUnder(context, { fault: 'never-newline', bytes: 500_000 });
  assert.deepEqual([text.includes('\n'), text.length > 500_000, broken], [false, true, true]);
});

test('never-newline stops when the client closes', async context => {
  const fake = await startFor(context);
  await fake.control.fault('never-newline');
  const client = new AbortController();
  const response = await post(fake, '/api/chat', chat('hi'), { signal: client.signal });
  await response.body?.getReader().read();
  client.abort();
  await fake.control.waitFor(state => state.aborted === 1 && state.active === 0);
});

test('invalid-utf8 puts bytes into a line that are no UTF-8', async context => {
  const fake = await startFor(context);
  await fake.control.fault('invalid-utf8');
  const { bytes } = await rawPost(fake, '/api/chat', chat('hi'));
  assert.ok(bytes.includes(Buffer.from([0xff, 0xfe, 0xc0, 0xaf])));
  assert.ok(bytes.includes('"done":true'));
});

test('split-utf8 sends the halves of a character apart', async context => {
  const fake = await startFor(context);
  await fake.control.fault('split-utf8');
  const { pieces, bytes } = await rawPost(fake, '/api/chat', chat('echo:a😀b'));
  assert.ok(pieces.length > 1);
  assert.equal(bytes.includes('a😀b'), false);
  await fake.control.reset();
  await fake.control.fault('split-utf8');
  const lines = await postLines(fake, '/api/chat', chat('echo:a😀b'));
  assert.equal(lines.map(line => line.message?.['content']).join(''), 'a😀b');
});

test('drip sends one byte at a time and the whole answer in the end', async context => {
  const { lines, text } = await bodyUnder(context, { fault: 'drip' });
  assert.ok(isDone(text));
  for (const line of lines) assert.doesNotThrow(() => JSON.parse(line));
});

test('slow waits before the headers, then answers', async context => {
  const fake = await startFor(context);
  await fake.control.fault({ fault: 'slow', ms: 30 });
  const startMs = performance.now();
  await postJson(fake, '/api/chat', chat('hi', { stream: false }));
  assert.ok(performance.now() - startMs >= 29);
});

test('hang and hang-mid-stream never finish, and end when the client does', async context => {
  const fake = await startFor(context);
  await fake.control.fault({ fault: 'hang', times: 1 });
  await fake.control.fault({ fault: 'hang-mid-stream', after: 1 });
  const first = new AbortController();
  const silent = post(fake, '/api/chat', chat('hi'), { signal: first.signal });
  await fake.control.waitFor(state => state.requests[0]?.fault === 'hang');
  first.abort();
  await assert.rejects(silent);
  await fake.control.waitFor(state => state.aborted === 1);
  const second = new AbortController();
  const response = await post(fake, '/api/chat', chat('hi'), { signal: second.signal });
  await response.body?.getReader().read();
  assert.equal(fake.control.state().active, 1);
  second.abort();
  await fake.control.waitFor(state => state.aborted === 2 && state.active === 0);
});

test('reset breaks the connection before any byte', async context => {
  const fake = await startFor(context);
  await fake.control.fault('reset');
  const { bytes, ending } = await rawPost(fake, '/api/chat', chat('hi'));
  assert.deepEqual([bytes.length, ending], [0, 'reset']);
});

test('refuse closes the door until it is told to accept again', async context => {
  const fake = await startFor(context);
  await fake.control.fault('refuse');
  await assert.rejects(fetch(`${fake.url}/api/version`), (error: Error) => {
    return (error.cause as { code?: string }).code === 'ECONNREFUSED';
  });
  await fake.control.accept();
  assert.equal((await fetch(`${fake.url}/api/version`)).status, 200);
});

test('refuse over HTTP comes back by itself after forMs', async context => {
  const fake = await startFor(context);
  await postJson(fake, '/_fake/fault', { fault: 'refuse', forMs: 20 });
  assert.equal(fake.control.state().listening, false);
  await fake.control.waitFor(state => state.listening);
  assert.equal((await fetch(`${fake.url}/api/version`)).status, 200);
});

test('refuse with cut breaks the connections that are open', async context => {
  const fake = await startFor(context, { tokenMs: 5, tokens: 100_000 });
  const response = await post(fake, '/api/chat', chat('hi'));
  await fake.control.refuse({ cut: true });
  await assert.rejects(response.text());
  await fake.control.waitFor(state => state.active === 0 && state.connections === 0);
});

test('faults that answer in place of Ollama', async context => {
  const fake = await startFor(context);
  const cases: [Fault, string, number, RegExp][] = [
    [{ fault: 'busy-503' }, '/api/chat', 503, /server busy, please try again\. {2}maximum pending requests exceeded/],
    [{ fault: 'load-failure' }, '/api/chat', 500, /llama runner process has terminated/],
    [{ fault: 'crash-embed-400' }, '/api/embed', 400, /do embedding request: .*EOF/],
    [{ fault: 'crash-embed-400' }, '/api/embeddings', 500, /EOF/],
    [{ fault: 'html-200' }, '/api/chat', 200, /<html>/],
    [{ fault: 'status', status: 502, kind: 'html' }, '/api/chat', 502, /<html>/],
    [
      { fault: 'status', status: 429, kind: 'plain', body: 'slow down', headers: { 'retry-after': '3' } },
      '/api/chat',
      429,
      /^slow down$/,
    ],
    [{ fault: 'status', status: 418, message: 'teapot' }, '/api/chat', 418, /^\{"error":"teapot"\}$/],
  ];
  for (const [fault, path, status, text] of cases) {
    await fake.control.fault({ ...fault, times: 1 });
    const response = await post(fake, path, chat('hi'));
    assert.equal(response.status, status, fault.fault);
    assert.match(await response.text(), text);
  }
});

test('header-linebreak and header-bomb send headers that a client has to survive', async context => {
  const fake = await startFor(context);
  await fake.control.fault({ fault: 'header-linebreak', times: 1 });
  assert.match(
    (await rawPost(fake, '/api/chat', chat('hi'))).bytes.toString(),
    /X-Note: before\r\nbogus line without a colon\r\n/,
  );
  await fake.control.fault({ fault: 'header-linebreak', variant: 'legal', times: 1 });
  assert.equal((await post(fake, '/api/chat', chat('hi'))).headers.get('x-injected'), 'yes');
  await fake.control.fault({ fault: 'header-bomb', times: 1 });
  const { bytes } = await rawPost(fake, '/api/chat', chat('hi'));
  assert.ok(bytes.indexOf('\r\n\r\n') > 200_000);
});

test('cold-load loads the model again and takes its time', async context => {
  const fake = await startFor(context);
  await postJson(fake, '/api/generate', { model: 'llama3.2' });
  await fake.control.fault({ fault: 'cold-load', ms: 40, times: 1 });
  const answer = await postJson(fake, '/api/chat', chat('hi', { stream: false }));
  assert.ok(Number(answer['load_duration']) >= 39e6);
  assert.deepEqual(
    [fake.control.state().models['llama3.2:latest']?.loads, fake.control.state().models['llama3.2:latest']?.evictions],
    [2, 1],
  );
});

test('a fault hits its path, model and number of times, after those it lets pass', () => {
  const faults = new Faults();
  const target = { method: 'POST', path: '/api/chat', model: 'qwen3' };
  faults.add({ fault: 'hang', path: '/api/chat', model: 'qwen3', skip: 1, times: 2 });
  assert.equal(faults.take({ ...target, path: '/api/tags' }, false), undefined);
  assert.equal(faults.take({ ...target, model: 'llava' }, false), undefined);
  const taken = Array.from({ length: 5 }, () => faults.take(target, false)?.fault);
  assert.deepEqual(taken, [undefined, 'hang', 'hang', undefined, undefined]);
  faults.add({ fault: 'reset', path: '/api/*' });
  assert.equal(faults.take({ ...target, path: '/api/ps' }, false)?.fault, 'reset');
  assert.equal(faults.take({ ...target, path: '/' }, false), undefined);
});

test('faults of inference leave the health endpoints alone unless a path is given', async context => {
  const fake = await startFor(context);
  await fake.control.fault('busy-503');
  assert.equal((await fetch(`${fake.url}/api/tags`)).status, 200);
  await fake.control.fault({ fault: 'busy-503', path: '/api/tags' });
  assert.equal((await fetch(`${fake.url}/api/tags`)).status, 503);
  await fake.control.fault({ fault: 'ok', path: '/api/tags' });
  assert.equal((await fetch(`${fake.url}/api/tags`)).status, 200);
});

test('an early fault strikes before the body is read', async context => {
  const fake = await startFor(context);
  await fake.control.fault({ fault: 'status', status: 413, early: true });
  assert.equal((await post(fake, '/api/chat', chat('hi'))).status, 413);
  assert.equal(fake.control.state().requests[0]?.bodyBytes, 0);
});

test('every named fault is accepted and an unknown one refused', async context => {
  const fake = await startFor(context);
  for (const fault of FAULT_NAMES) {
    if (fault !== 'refuse')
      assert.equal((await post(fake, '/_fake/fault', { fault, path: '/nowhere' })).status, 200, fault);
  }
  const unknown = await post(fake, '/_fake/fault', { fault: 'explode' });
  assert.deepEqual([unknown.status, await unknown.json()], [400, { error: 'unknown fault: explode' }]);
});
