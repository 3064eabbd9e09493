import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Request, Response } from 'express';
import { DeciError } from '../../kernel/errors.ts';
import { RequestContext } from '../request-context.ts';
import { type Frames, type StreamFormat, streamAnswer } from './stream-answer.ts';

const format: StreamFormat = {
  contentType: 'application/x-ndjson',
  heartbeat: () => '{"beat":true}\n',
  fail: (error, id) => `{"error":"${error.code} ${id}"}\n`,
};

interface Streaming {
  readonly url: string;
  /** The context of the request, as soon as it has arrived. */
  readonly context: Promise<RequestContext>;
  /** Resolves when the handler is done with the request. */
  readonly done: Promise<void>;
}

/** A server that answers its one request with this stream. */
async function serve(
  t: TestContext,
  open: (signal: AbortSignal) => Promise<Frames>,
  heartbeatMs?: number,
): Promise<Streaming> {
  const context = Promise.withResolvers<RequestContext>();
  const done = Promise.withResolvers<void>();
  const server = createServer((req, res) => {
    const made = new RequestContext('req_1', req as Request, res as unknown as Response);
    res.on('close', () => {
      if (!res.writableFinished) made.abort(new DeciError('client_closed'));
    });
    context.resolve(made);
    streamAnswer(made, format, { heartbeatMs }, open).then(done.resolve, done.reject);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, context: context.promise, done: done.promise };
}

/** A source that gives what the test puts in. */
class Source {
  readonly #queue: Array<string | Buffer | DeciError | Error | undefined> = [];
  #wake = Promise.withResolvers<void>();
  left = false;

  put(...items: Array<string | Buffer | DeciError | Error | undefined>): this {
    this.#queue.push(...items);
    this.#wake.resolve();
    return this;
  }

  async *frames(): AsyncGenerator<string | Buffer> {
    try {
      for (;;) {
        while (this.#queue.length === 0) {
          this.#wake = Promise.withResolvers();
          await this.#wake.promise;
        }
        const item = this.#queue.shift();
        if (item === undefined) return;
        if (item instanceof Error) throw item;
        yield item;
      }
    } finally {
      this.left = true;
    }
  }

  readonly open = async (): Promise<Frames> => ({ frames: this.frames() });
}

/** `undefined` ends a source. */
const end = undefined;

async function get(url: string): Promise<IncomingMessage> {
  const req = request(url).end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return res;
}

async function textOf(res: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of res.setEncoding('utf8')) text += String(chunk);
  return text;
}

test('frames are sent as they come, with headers that keep proxies from holding them back', async t => {
  const source = new Source();
  const { url, context, done } = await serve(t, source.open);
  source.put('one\n');
  const res = await get(url);
  assert.equal(res.statusCode, 200);
  assert.equal(res.headers['content-type'], 'application/x-ndjson');
  assert.equal(res.headers['cache-control'], 'no-cache');
  assert.equal(res.headers['x-accel-buffering'], 'no');
  assert.equal(res.headers['x-request-id'], 'req_1');
  assert.equal(res.headers['content-length'], undefined);
  const [first] = (await once(res, 'data')) as [Buffer];
  assert.equal(first.toString(), 'one\n');
  source.put('', Buffer.from('zwö\n'), end);
  assert.equal(await textOf(res), 'zwö\n');
  await done;
  const { outcome, bytesOut } = await context;
  assert.deepEqual([outcome, bytesOut], ['complete', 9]);
});

test('nothing is sent before the first frame, so that a refusal can still have its own status', async t => {
  const { url, context, done } = await serve(t, async () => {
    throw new DeciError('model_not_found', { message: "model 'x' not found" });
  });
  const res = await get(url);
  assert.equal(res.statusCode, 404);
  assert.equal(await textOf(res), `{"error":"model 'x' not found"}`);
  await done;
  assert.equal((await context).outcome, 'model_not_found');
});

test('a failure before the first frame is an answer of its own, too', async t => {
  const source = new Source().put('', new DeciError('upstream_truncated'));
  const { url } = await serve(t, source.open);
  const res = await get(url);
  assert.equal(res.statusCode, 502);
  assert.equal(source.left, true);
});

test('a failure behind the first frame is told inside the stream, and the stream ends in protocol', async t => {
  const { url, context, done } = await serve(t, new Source().put('one\n', new DeciError('stall_timeout')).open);
  const res = await get(url);
  assert.equal(res.statusCode, 200);
  assert.equal(await textOf(res), 'one\n{"error":"stall_timeout req_1"}\n');
  assert.equal(res.complete, true);
  await done;
  assert.equal((await context).outcome, 'stall_timeout');
});

test('what nobody foresaw is told as `internal`, without its words', async t => {
  const { url } = await serve(t, new Source().put('one\n', new TypeError('secret')).open);
  assert.equal(await textOf(await get(url)), 'one\n{"error":"internal req_1"}\n');
});

test('an empty stream is an empty answer with its headers', async t => {
  const { url } = await serve(t, new Source().put(end).open);
  const res = await get(url);
  assert.deepEqual([res.statusCode, await textOf(res)], [200, '']);
});

test('the source may turn out to be of another type', async t => {
  const frames = new Source().put('{}', end).frames();
  const { url } = await serve(t, async () => ({ frames, contentType: 'application/json; charset=utf-8' }));
  assert.equal((await get(url)).headers['content-type'], 'application/json; charset=utf-8');
});

test('silence before the first frame gets a heartbeat, which begins the answer', async t => {
  const opening = Promise.withResolvers<Frames>();
  const { url } = await serve(t, () => opening.promise, 20);
  const res = await get(url);
  assert.equal(res.statusCode, 200);
  const [beat] = (await once(res, 'data')) as [Buffer];
  assert.equal(beat.toString(), '{"beat":true}\n');
  opening.reject(new DeciError('first_token_timeout'));
  assert.match(await textOf(res), /\{"error":"first_token_timeout req_1"\}\n$/);
});

test('heartbeats go on while the silence lasts, between whole frames only', async t => {
  const source = new Source().put('{"n":1}\n');
  const { url } = await serve(t, source.open, 10);
  const res = await get(url);
  let text = '';
  for await (const chunk of res.setEncoding('utf8')) {
    text += String(chunk);
    if (text.split('beat').length === 4) source.put('{"n":2}\n', end);
  }
  assert.match(text, /^\{"n":1\}\n(\{"beat":true\}\n){3,}\{"n":2\}\n$/);
});

test('no heartbeat follows the end, nor an error', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const last of [end, new DeciError('upstream_failed')]) {
    const { url, context, done } = await serve(t, new Source().put('x\n', last).open, 5);
    await textOf(await get(url));
    await done;
    const { bytesOut } = await context;
    t.mock.timers.tick(100);
    assert.equal((await context).bytesOut, bytesOut);
  }
});

test('a client that does not read stops the source, and gets everything when it reads again', async t => {
  const frame = Buffer.alloc(64 * 1024, 'x');
  const total = 512;
  let made = 0;
  const frames = (async function* () {
    while (made < total) {
      made++;
      yield frame;
      // The kernel takes what fits into its buffers; a turn of the loop is enough for it to do so.
      await new Promise(resolve => setImmediate(resolve));
    }
  })();
  const { url } = await serve(t, async () => ({ frames }));
  const res = await get(url);
  let before = -1;
  for (let still = 0; still < 500; still++) {
    if (made !== before) still = 0;
    before = made;
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.ok(made < total, `${made} frames for a client that reads nothing`);
  assert.equal((await textOf(res)).length, total * frame.length);
});

test('a client that does not read gets no heartbeats piled up', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const frame = Buffer.alloc(16 * 1024 * 1024, 'x');
  const { url, context } = await serve(t, new Source().put(frame).open, 5);
  const res = await get(url);
  assert.equal((await context).res.writableNeedDrain, true);
  t.mock.timers.tick(100);
  assert.equal((await context).bytesOut, frame.length);
  res.destroy();
});

test('a client that leaves stops the source at once', async t => {
  const gone = Promise.withResolvers<unknown>();
  const { url, context, done } = await serve(t, async signal => ({
    frames: (async function* () {
      yield 'one\n';
      await once(signal, 'abort');
      gone.resolve(signal.reason);
      throw signal.reason as Error;
    })(),
  }));
  const res = await get(url);
  await once(res, 'data');
  res.destroy();
  assert.equal(((await gone.promise) as DeciError).code, 'client_closed');
  await done;
  assert.equal((await context).outcome, 'client_closed');
});

test('a client that leaves while it was too slow stops the source, too', async t => {
  const source = new Source().put(Buffer.alloc(16 * 1024 * 1024), 'never\n', end);
  const { url, done } = await serve(t, source.open);
  const res = await get(url);
  res.destroy();
  await done;
  assert.equal(source.left, true);
});

test('an answer that is ended from outside gets its error frame', async t => {
  const { url, context } = await serve(t, async signal => ({
    frames: (async function* () {
      yield 'one\n';
      await once(signal, 'abort');
      throw signal.reason as Error;
    })(),
  }));
  const res = await get(url);
  (await context).abort(new DeciError('draining'));
  assert.equal(await textOf(res), 'one\n{"error":"draining req_1"}\n');
});

test('a source that ends quietly after the request was ended is not taken for complete', async t => {
  const { url, context } = await serve(t, async signal => ({
    frames: (async function* () {
      yield 'one\n';
      await once(signal, 'abort');
    })(),
  }));
  const res = await get(url);
  (await context).abort(new DeciError('draining'));
  assert.equal(await textOf(res), 'one\n{"error":"draining req_1"}\n');
});
