import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Response as ExpressResponse, Request } from 'express';
import { DeciError, type DeciErrorDetails } from '../kernel/errors.ts';
import type { ErrorDialect } from './dialects/dialect.ts';
import { RequestContext } from './request-context.ts';
import { sendBody, sendEmpty, sendError, sendJson, sendText } from './respond.ts';

/** What a client gets from a server that answers in this way, and the context behind it. */
async function answer(t: TestContext, respond: (context: RequestContext) => void, method = 'GET') {
  const contexts: RequestContext[] = [];
  const server = createServer((req, res) => {
    const context = new RequestContext('req_1', req as Request, res as unknown as ExpressResponse);
    contexts.push(context);
    respond(context);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { method });
  return { response, text: await response.text(), context: contexts[0]! };
}

function inDialect(dialect: ErrorDialect) {
  return (context: RequestContext): void => {
    context.route = { path: '/x', dialect, role: 'viewer', body: 'none', rate: 'default', time: 'short' };
  };
}

async function errorIn(t: TestContext, dialect: ErrorDialect, code: DeciError['code'], details?: DeciErrorDetails) {
  const result = await answer(t, context => {
    inDialect(dialect)(context);
    sendError(context, new DeciError(code, details));
  });
  return { ...result, body: JSON.parse(result.text) as Record<string, unknown> };
}

test('JSON is sent whole, with its length in bytes and the id of the request', async t => {
  const { response, text, context } = await answer(t, each => sendJson(each, { text: 'grüße' }));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(response.headers.get('content-length'), '18');
  assert.equal(response.headers.get('x-request-id'), 'req_1');
  assert.equal(text, '{"text":"grüße"}');
  assert.equal(context.bytesOut, 18);
  assert.equal(context.outcome, 'complete');
});

test('text, nothing, and any other body', async t => {
  const plain = await answer(t, context => sendText(context, 404, '404 page not found'));
  assert.deepEqual([plain.response.status, plain.text], [404, '404 page not found']);
  assert.equal(plain.response.headers.get('content-type'), 'text/plain; charset=utf-8');
  const empty = await answer(t, context => sendEmpty(context, 403));
  assert.deepEqual([empty.response.status, empty.text], [403, '']);
  assert.equal(empty.response.headers.get('content-type'), null);
  const other = await answer(t, context => sendBody(context, 201, 'application/x-y', Buffer.from('abc')));
  assert.deepEqual([other.response.headers.get('content-type'), other.text], ['application/x-y', 'abc']);
});

test('an answer to HEAD has the headers of the body, and no body', async t => {
  const { response, text } = await answer(t, context => sendJson(context, { a: 1 }), 'HEAD');
  assert.deepEqual([response.headers.get('content-length'), text], ['7', '']);
});

test('headers of the context are on every answer', async t => {
  const { response } = await answer(t, context => {
    context.headers.push('X-Deci-Upstream', 'gpu:11434');
    sendError(context, new DeciError('invalid_request'));
  });
  assert.equal(response.headers.get('x-deci-upstream'), 'gpu:11434');
});

test('in the dialect of Ollama an error is a sentence; one of ours names the request', async t => {
  const client = await errorIn(t, 'ollama', 'missing_body');
  assert.deepEqual([client.response.status, client.body], [400, { error: 'missing request body' }]);
  const ours = await errorIn(t, 'ollama', 'first_token_timeout');
  assert.equal(ours.response.status, 504);
  assert.match(String(ours.body['error']), /did not begin to answer in time \(request req_1\)$/);
  assert.equal(ours.context.outcome, 'first_token_timeout');
});

test("Ollama's own words, status and members are passed on as they are", async t => {
  const busy = 'server busy, please try again.  maximum pending requests exceeded';
  const refused = await errorIn(t, 'ollama', 'upstream_refused', { message: busy, status: 503 });
  assert.deepEqual([refused.response.status, refused.body], [503, { error: busy }]);
  assert.equal(refused.response.headers.get('retry-after'), '5');
  const extra = { signin_url: 'https://ollama.com/connect' };
  const account = await errorIn(t, 'ollama', 'upstream_refused', { message: 'unauthorized', status: 401, extra });
  assert.deepEqual([account.response.status, account.body], [401, { error: 'unauthorized', ...extra }]);
});

test('an error of an unknown route is told in the dialect of Ollama', async t => {
  const { text } = await answer(t, context => sendError(context, new DeciError('body_too_large')));
  assert.deepEqual(JSON.parse(text), { error: 'the request body is too large' });
});

test('OpenAI, Anthropic and our own routes get errors in their shapes', async t => {
  const openai = await errorIn(t, 'openai', 'invalid_request', { message: 'no', param: 'messages' });
  const { message, type, param } = openai.body['error'] as Record<string, unknown>;
  assert.deepEqual([message, type, param], ['no', 'invalid_request_error', 'messages']);
  const anthropic = await errorIn(t, 'anthropic', 'upstream_unreachable');
  assert.equal(anthropic.body['type'], 'error');
  assert.equal((anthropic.body['error'] as Record<string, unknown>)['type'], 'overloaded_error');
  assert.equal(anthropic.body['request_id'], 'req_1');
  const problem = await errorIn(t, 'problem', 'draining');
  assert.equal(problem.response.headers.get('content-type'), 'application/problem+json');
  assert.deepEqual([problem.body['status'], problem.body['code']], [503, 'draining']);
});

test('404 and 405 are the plain words of Ollama, whatever the dialect', async t => {
  for (const [code, status, words] of [
    ['route_not_found', 404, '404 page not found'],
    ['method_not_allowed', 405, '405 method not allowed'],
  ] as const) {
    const { response, text } = await answer(t, context => {
      inDialect('openai')(context);
      sendError(context, new DeciError(code));
    });
    assert.deepEqual([response.status, text], [status, words]);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
  }
});

test('a refused Host or Origin is 403 with nothing in it', async t => {
  for (const code of ['origin_not_allowed', 'host_not_allowed'] as const) {
    const { response, text } = await answer(t, context => sendError(context, new DeciError(code)));
    assert.deepEqual([response.status, text], [403, '']);
  }
});

test('a client is told whether and when to come back', async t => {
  const unreachable = await errorIn(t, 'openai', 'upstream_unreachable');
  assert.equal(unreachable.response.headers.get('retry-after'), '5');
  assert.equal(unreachable.response.headers.get('x-should-retry'), 'true');
  const client = await errorIn(t, 'openai', 'invalid_request');
  assert.equal(client.response.headers.get('retry-after'), null);
  assert.equal(client.response.headers.get('x-should-retry'), null);
});

test('the cause of an unforeseen failure is not told', async t => {
  const { text } = await answer(t, context =>
    sendError(context, new DeciError('internal', { cause: new Error('secret path') })),
  );
  assert.doesNotMatch(text, /secret/);
});

test('behind the first byte an error can only cut the connection', async t => {
  const failed = answer(t, context => {
    context.res.writeHead(200);
    context.res.write('half');
    sendError(context, new DeciError('internal'));
  });
  await assert.rejects(failed);
});
