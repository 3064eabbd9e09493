/** The OpenAPI document as a document: by its own meta schema, complete in both directions, with examples that are true. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { routeRows } from '../../src/http/route-rows.ts';
import { operationKey, operations } from '../../src/http/schemas/operations.ts';
import { type GivenAnswer, OpenApiCheck } from '../support/openapi-check.ts';

const check = new OpenApiCheck();
const { document } = check;

test('every route has a schema entry, and every schema entry a route', () => {
  const routes = [...new Set(routeRows().map(({ method, path }) => operationKey(method, path)))];
  assert.deepEqual(routes.toSorted(), Object.keys(operations).toSorted());
});

test('the document is one of OpenAPI 3.1', async () => {
  const validator = new Validator();
  assert.deepEqual(await validator.validate(structuredClone(document) as never), { valid: true });
  assert.equal(validator.version, '3.1');
});

test('every operation has a name of its own', () => {
  const ids = Object.values(document.paths).flatMap(path => Object.values(path).map(({ operationId }) => operationId));
  assert.ok(ids.length >= routeRows().length - 1);
  assert.deepEqual(ids, [...new Set(ids)]);
});

test('every example is what its schema says, and every body has one', () => {
  let count = 0;
  for (const { operationId, requestBody } of Object.values(document.paths).flatMap(path => Object.values(path))) {
    for (const { schema, examples = {} } of Object.values(requestBody?.content ?? {})) {
      assert.notEqual(Object.keys(examples).length, 0, operationId);
      for (const [name, { value }] of Object.entries(examples)) {
        check.checkValue(value, schema, `${operationId}, example ${name}`);
        count += 1;
      }
    }
  }
  assert.ok(count >= 30, `only ${count} examples`);
});

test('components are used, and what is ours is closed', () => {
  const text = JSON.stringify(document);
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    assert.ok(text.includes(`"#/components/schemas/${name}"`), `${name} is not used`);
    if (/^(?:Problem|Health|Probe)/.test(name)) {
      assert.equal((schema as { additionalProperties?: unknown }).additionalProperties, false, name);
    }
  }
});

const line = {
  model: 'm',
  created_at: '2026-01-01T00:00:00Z',
  message: { role: 'assistant', content: 'x' },
  done: false,
};
const given = (
  path: string,
  contentType: string | null,
  text: string,
  more: Partial<GivenAnswer> = {},
): GivenAnswer => ({
  method: 'POST',
  path,
  status: 200,
  contentType,
  text,
  ...more,
});
const ndjson = 'application/x-ndjson';
const sse = 'text/event-stream';
const json = 'application/json; charset=utf-8';
const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [] };

test('answers that agree with the document are taken', () => {
  for (const answer of [
    given('/api/chat', ndjson, `${JSON.stringify(line)}\n${JSON.stringify({ error: 'died' })}\n`),
    given('/v1/chat/completions', sse, `: ping\n\ndata: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`),
    given('/v1/models/hf.co/user/repo', json, '{"id":"a","object":"model","created":1,"owned_by":"b"}', {
      method: 'GET',
    }),
    given('/api/version', json, '', { method: 'HEAD' }),
    given('/api/chat', json, '{"error":"teapot"}', { status: 418 }),
    given('/api/chat', null, '', { status: 403 }),
    given('/nowhere', 'text/plain', '404 page not found', { status: 404 }),
    given('/api/chat', 'text/plain', '405 method not allowed', { status: 405, method: 'GET' }),
  ]) {
    assert.doesNotThrow(() => check.checkAnswer(answer), JSON.stringify(answer));
  }
});

test('an answer that does not agree is refused, with the operation, the place and the value', () => {
  const refusals: ReadonlyArray<[GivenAnswer, RegExp]> = [
    [
      given('/api/chat', ndjson, `${JSON.stringify(line)}\n{"done":1}\n`),
      /POST \/api\/chat -> 200, line 2 is no ChatLine.*"done":1/,
    ],
    [given('/api/chat', ndjson, JSON.stringify(line)), /the last line has no end/],
    [given('/api/chat', ndjson, '{"mod\n'), /line 1 is no JSON/],
    [given('/api/chat', json, JSON.stringify(line)), /no ChatAnswer.*done_reason/],
    [given('/api/chat', 'text/html', '<html>'), /foresees no 'text\/html'/],
    [given('/api/chat', json, '{}', { status: 201 }), /foresees no such status/],
    [given('/api/chat', json, '{"message":"x"}', { status: 500 }), /no OllamaError.*error/],
    [given('/v1/chat/completions', sse, 'data: {"id":1}\n\n'), /event 1 is no OpenAiChatEvent/],
    [given('/v1/chat/completions', sse, 'data: [DONE]\n\ndata: [DONE]\n\n'), /event 1 is no JSON/],
    [given('/v1/messages', sse, 'event: x\ndata: [DONE]\n\n'), /event 1 is no JSON/],
    [given('/v1/chat/completions', sse, 'data {}\n\n'), /no line of an event/],
    [
      given('/api/health/live', json, '{"status":"pass","pid":7}', { method: 'GET' }),
      /no Probe: .*additional properties.*"pid":7/,
    ],
    [given('/api/version', json, '{}', { method: 'HEAD' }), /a body where there is to be none/],
    [given('/api/copy', json, '{}'), /a body where there is to be none/],
    [given('/nowhere', json, '{}'), /there is no such operation/],
    [given('/api/chat', json, '{}', { method: 'GET' }), /there is no such operation/],
  ];
  for (const [answer, expected] of refusals) {
    assert.throws(() => check.checkAnswer(answer), expected, JSON.stringify(answer));
  }
});

test('a body that the document does not let clients send is refused; names on routes of Ollama may be in any case', () => {
  const chat = { method: 'POST', path: '/api/chat' };
  const openAi = { method: 'POST', path: '/v1/embeddings' };
  check.checkRequest(chat, '{"Model":"m","MESSAGES":[{"Role":"user","Content":"x"}]}');
  check.checkRequest(chat, '{"model":"m"} and more');
  check.checkRequest({ method: 'GET', path: '/api/tags' }, '{}');
  assert.throws(
    () => check.checkRequest(chat, '{"messages":[]}'),
    /the request POST \/api\/chat is no ChatRequest.*model/,
  );
  assert.throws(() => check.checkRequest(openAi, '{"Model":"m","input":"x"}'), /no OpenAiEmbeddingRequest.*model/);
});
