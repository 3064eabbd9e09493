import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { NativeAnswer, nativeAnswer } from './native-answer.ts';
import { progressLines } from './ndjson-scanner.ts';
import type { UpstreamExchange } from './upstream-exchange.ts';
import type { UpstreamHost } from './upstream-host.ts';

const delta = '{"message":{"content":"a"},"done":false}\n';
const final = '{"message":{"content":""},"done":true,"done_reason":"stop","eval_count":7}\n';

/** An exchange that gives out what it was made of, and writes down how it was left. */
class FakeExchange {
  readonly calls: string[] = [];
  readonly headers: Record<string, string | string[] | undefined>;
  readonly #chunks: Array<string | DeciError>;

  constructor(chunks: Array<string | DeciError>, contentType: string | undefined = 'application/x-ndjson') {
    this.#chunks = chunks;
    this.headers = { 'content-type': contentType };
  }

  async next(): Promise<IteratorResult<Buffer>> {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return { done: true, value: undefined };
    if (typeof chunk !== 'string') throw chunk;
    return { done: false, value: Buffer.from(chunk) };
  }

  async return(): Promise<IteratorResult<Buffer>> {
    this.calls.push('return');
    return { done: true, value: undefined };
  }

  abort(reason: DeciError): void {
    this.calls.push(`abort ${reason.code}`);
  }

  discard(): void {
    this.calls.push('discard');
  }

  get exchange(): UpstreamExchange {
    return this as unknown as UpstreamExchange;
  }
}

/** Everything an answer gives out, and the code of the error that ended it. */
async function drain(answer: NativeAnswer): Promise<{ text: string; code: string | undefined }> {
  let text = '';
  try {
    for await (const block of answer) text += block.toString();
  } catch (error) {
    assert.ok(error instanceof DeciError);
    return { text, code: error.code };
  }
  return { text, code: undefined };
}

test('an answer ends behind `done: true`; its last line is known and the connection is kept', async () => {
  const fake = new FakeExchange([delta, delta + final]);
  const answer = new NativeAnswer('gpu:11434', fake.exchange);
  assert.equal(answer.final, undefined);
  assert.deepEqual(await drain(answer), { text: delta + delta + final, code: undefined });
  assert.equal(answer.final?.['eval_count'], 7);
  assert.equal(answer.upstream, 'gpu:11434');
  assert.deepEqual(fake.calls, ['discard']);
});

test('the last line is known before it is given out, so that its reader can look at it', async () => {
  const answer = new NativeAnswer('h', new FakeExchange([final]).exchange);
  await answer.next();
  assert.notEqual(answer.final, undefined);
});

test('nothing is read behind the end', async () => {
  const fake = new FakeExchange([final, delta]);
  const answer = new NativeAnswer('h', fake.exchange);
  assert.deepEqual(await drain(answer), { text: final, code: undefined });
  assert.deepEqual(await answer.next(), { done: true, value: undefined });
});

test('an end without `done: true` is thrown behind the good lines', async () => {
  const fake = new FakeExchange([delta]);
  assert.deepEqual(await drain(new NativeAnswer('h', fake.exchange)), { text: delta, code: 'upstream_truncated' });
});

test('an empty answer is truncated', async () => {
  assert.deepEqual(await drain(new NativeAnswer('h', new FakeExchange([]).exchange)), {
    text: '',
    code: 'upstream_truncated',
  });
});

test('good lines before an error line in the same chunk are given out, then it is thrown and the request aborted', async () => {
  const fake = new FakeExchange([`${delta}{"error":"boom"}\n${final}`]);
  const answer = new NativeAnswer('h', fake.exchange);
  assert.equal(String((await answer.next()).value), delta);
  await assert.rejects(answer.next(), { code: 'upstream_failed', message: 'boom' });
  await assert.rejects(answer.next(), { code: 'upstream_failed' });
  assert.equal(answer.final, undefined);
  assert.deepEqual(fake.calls, ['abort upstream_failed']);
});

test('what breaks the connection is thrown as it is; half a line before it is not given out', async () => {
  const fake = new FakeExchange([`${delta}{"mess`, new DeciError('stall_timeout')]);
  assert.deepEqual(await drain(new NativeAnswer('h', fake.exchange)), { text: delta, code: 'stall_timeout' });
});

test('chunks that complete no line are not given out as empty blocks', async () => {
  const answer = new NativeAnswer('h', new FakeExchange([...delta, ...final]).exchange);
  assert.equal(String((await answer.next()).value), delta);
  assert.equal(String((await answer.next()).value), final);
});

test('a reader that leaves early ends the exchange', async () => {
  const fake = new FakeExchange([delta, delta, final]);
  for await (const _ of new NativeAnswer('h', fake.exchange)) break;
  assert.deepEqual(fake.calls, ['return']);
});

test('one JSON object instead of a stream is told, and ends like a stream', async () => {
  const load = '{"model":"m","response":"","done":true,"done_reason":"load"}';
  const answer = new NativeAnswer('h', new FakeExchange([load], 'application/json; charset=utf-8').exchange);
  assert.equal(answer.single, true);
  assert.deepEqual(await drain(answer), { text: `${load}\n`, code: undefined });
  assert.equal(new NativeAnswer('h', new FakeExchange([final]).exchange).single, false);
});

test('an answer of another kind has another end', async () => {
  const success = '{"status":"success"}\n';
  const answer = new NativeAnswer('h', new FakeExchange(['{"status":"x"}\n', success]).exchange, {
    kind: progressLines,
  });
  assert.deepEqual(await drain(answer), { text: `{"status":"x"}\n${success}`, code: undefined });
});

test('only NDJSON and JSON are native answers', () => {
  const host = { name: 'gpu:11434' } as UpstreamHost;
  const judge = ({ exchange }: FakeExchange): NativeAnswer => nativeAnswer({ host, exchange });
  for (const type of ['application/x-ndjson', 'application/json; charset=utf-8', 'Application/X-NDJSON']) {
    assert.doesNotThrow(() => judge(new FakeExchange([], type)), type);
  }
  for (const type of ['text/html', 'text/plain', 'application/jsonp', 'application/octet-stream', '']) {
    assert.throws(() => judge(new FakeExchange([], type)), { code: 'upstream_invalid' }, type);
  }
  const without = new FakeExchange([]);
  without.headers['content-type'] = undefined;
  assert.throws(() => judge(without), { code: 'upstream_invalid', message: /no content type/ });
});
