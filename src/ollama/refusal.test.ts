import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeciError } from '../kernel/errors.ts';
import { readRefusal } from './refusal.ts';
import type { UpstreamExchange } from './upstream-exchange.ts';

async function refusal(status: number, ...chunks: Array<string | Buffer>): Promise<DeciError> {
  const exchange = {
    status,
    headers: {},
    async *[Symbol.asyncIterator]() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    },
  };
  return await readRefusal(exchange as unknown as UpstreamExchange);
}

test("Ollama's own sentence and status are kept word for word", async () => {
  const sentence = 'server busy, please try again.  maximum pending requests exceeded';
  const error = await refusal(503, JSON.stringify({ error: sentence }));
  assert.equal(error.message, sentence);
  assert.equal(error.status, 503);
  assert.equal(error.code, 'upstream_refused');
  assert.equal(error.fault, 'ollama');
});

test('a missing model is told from every other refusal, in both of its spellings', async () => {
  for (const sentence of [`model 'x' not found`, `model "x" not found, try pulling it first`]) {
    const error = await refusal(404, JSON.stringify({ error: sentence }));
    assert.deepEqual([error.code, error.status, error.message], ['model_not_found', 404, sentence]);
  }
  assert.equal((await refusal(400, '{"error":"option not found"}')).code, 'upstream_refused');
});

test('members beside the sentence are kept', async () => {
  const error = await refusal(401, '{"error":"unauthorized",', '"signin_url":"https://ollama.com/connect"}');
  assert.deepEqual(error.extra, { signin_url: 'https://ollama.com/connect' });
});

test('a sentence in several chunks is put together as bytes', async () => {
  const body = Buffer.from('{"error":"für Ällä"}');
  const bytes = Array.from(body, byte => Buffer.from([byte]));
  assert.equal((await refusal(400, ...bytes)).message, 'für Ällä');
});

test('a page of something else is not passed on', async () => {
  for (const body of ['<html>nginx</html>', '404 page not found', '', '{"error":{"message":"x"}}', '[]']) {
    const error = await refusal(502, body);
    assert.deepEqual([error.code, error.status], ['upstream_invalid', 502], body);
    assert.match(error.message, /answered 502 without a reason/);
    assert.doesNotMatch(error.message, /nginx/);
  }
});

test('a refusal without end is not read to its end', async () => {
  let read = 0;
  const endless = {
    status: 500,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        read++;
        yield Buffer.alloc(1024, 'x');
      }
    },
  };
  const error = await readRefusal(endless as unknown as UpstreamExchange);
  assert.equal(error.code, 'upstream_invalid');
  assert.ok(read < 100);
});
