import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat, post, postJson, startFor } from './test-client.ts';

type Case = [path: string, body: unknown, status: number, error: string];

const user = [{ role: 'user', content: 'hi' }];
const INVALID_THINK = 'invalid think value: "much" (must be "high", "medium", "low", "max", true, or false)';

const CASES: readonly Case[] = [
  ['/api/chat', '', 400, 'missing request body'],
  ['/api/generate', '  ', 400, 'missing request body'],
  ['/api/embed', '', 400, 'missing request body'],
  ['/api/show', '', 400, 'missing request body'],
  ['/api/chat', '{"model":', 400, 'unexpected EOF'],
  ['/api/chat', '{}', 400, 'model is required'],
  ['/api/chat', { model: '../etc', messages: user }, 400, 'invalid model name'],
  ['/api/chat', { model: 'nope', messages: user }, 404, "model 'nope' not found"],
  ['/api/generate', '{}', 404, "model '' not found"],
  ['/api/generate', { model: 'nope' }, 404, "model 'nope' not found"],
  ['/api/generate', { model: 'a b' }, 400, 'invalid model name'],
  ['/api/show', '{}', 400, 'model is required'],
  ['/api/show', { model: 'nope' }, 404, "model 'nope:latest' not found"],
  ['/api/embed', { model: 'nope', input: 'x' }, 404, 'model "nope" not found, try pulling it first'],
  ['/api/embeddings', { model: 'nope', prompt: 'x' }, 404, 'model "nope" not found, try pulling it first'],
  ['/api/embeddings', '{}', 400, 'model is required'],
  ['/api/embed', { model: 'nomic-embed-text', input: 7 }, 400, 'invalid input type'],
  ['/api/embed', { model: 'nomic-embed-text', input: ['a', 7] }, 400, 'invalid input type'],
  [
    '/api/embed',
    { model: 'nomic-embed-text', input: 'x'.repeat(9000), truncate: false },
    400,
    'the input length exceeds the context length',
  ],
  ['/api/chat', chat('hi', { model: 'nomic-embed-text' }), 400, '"nomic-embed-text" does not support chat'],
  ['/api/generate', { model: 'nomic-embed-text', prompt: 'x' }, 400, '"nomic-embed-text" does not support generate'],
  ['/api/chat', chat('hi', { think: true }), 400, '"llama3.2" does not support thinking'],
  ['/api/chat', chat('hi', { think: 'much' }), 400, INVALID_THINK],
  [
    '/api/chat',
    chat('hi', { model: 'llava', tools: [{}] }),
    400,
    'registry.ollama.ai/library/llava:latest does not support tools',
  ],
  [
    '/api/generate',
    { model: 'llama3.2', prompt: 'a', suffix: 'b' },
    400,
    'registry.ollama.ai/library/llama3.2:latest does not support insert',
  ],
  [
    '/api/generate',
    { model: 'llama3.2', prompt: 'a', raw: true, system: 's' },
    400,
    'raw mode does not support template, system, or context',
  ],
  ['/api/chat', chat('hi', { top_logprobs: 21 }), 400, 'top_logprobs must be between 0 and 20'],
  ['/api/chat', chat('hi', { keep_alive: true }), 400, "Unsupported type: 'bool'"],
  ['/api/chat', chat('hi', { keep_alive: '5' }), 400, 'time: missing unit in duration "5"'],
  ['/api/chat', chat('hi', { options: { num_ctx: 'big' } }), 500, 'option "num_ctx" must be of type integer'],
  ['/api/chat', chat('hi', { options: { temperature: '1' } }), 500, 'option "temperature" must be of type float32'],
  ['/api/chat', chat('hi', { options: { stop: 'x' } }), 500, 'option "stop" must be of type array'],
  ['/api/chat', chat('hi', { options: { stop: [1] } }), 500, 'option "stop" must be of an array of strings'],
  ['/api/chat', { model: 5 }, 400, 'json: cannot unmarshal number into Go struct field .model of type string'],
  ['/api/copy', { source: 'nope', destination: 'x' }, 404, 'model "nope" not found'],
  ['/api/copy', { source: 'a b', destination: 'x' }, 400, 'source "a b" is invalid'],
  ['/api/create', { model: 'mine' }, 400, "neither 'from' or 'files' was specified"],
  ['/api/create', { model: 'mine', files: {} }, 400, 'no files provided to convert'],
  ['/api/create', { from: 'llama3.2' }, 400, 'invalid model name'],
  ['/api/pull', '{}', 400, 'invalid model name'],
  ['/api/push', '{}', 400, 'model is required'],
  ['/api/me', '{}', 401, 'unauthorized'],
  ['/api/signout', '', 401, 'you are not currently signed in'],
  ['/api/experimental/web_search', '', 400, 'missing request body'],
];

test('every error has the status and the exact text of Ollama', async context => {
  const fake = await startFor(context);
  for (const [path, body, status, error] of CASES) {
    const response = await post(fake, path, body);
    const answer = (await response.json()) as { error: string };
    assert.deepEqual([response.status, answer.error], [status, error], `${path} ${JSON.stringify(body).slice(0, 100)}`);
  }
});

test('delete without the model is 404, and with it an empty 200', async context => {
  const fake = await startFor(context);
  const remove = (model: string) =>
    fetch(`${fake.url}/api/delete`, { method: 'DELETE', body: JSON.stringify({ model }) });
  assert.deepEqual(await (await remove('nope')).json(), { error: "model 'nope' not found" });
  const done = await remove('LLAVA');
  assert.deepEqual([done.status, await done.text()], [200, '']);
  assert.equal((await remove('llava')).status, 404);
});

test('an unknown path is a plain 404 and a wrong method a plain 405', async context => {
  const fake = await startFor(context);
  const unknown = await fetch(`${fake.url}/api/nothing`);
  assert.deepEqual([unknown.status, await unknown.text()], [404, '404 page not found']);
  const wrong = await fetch(`${fake.url}/api/chat`);
  assert.deepEqual([wrong.status, await wrong.text()], [405, '405 method not allowed']);
});

test('an account question carries the address to sign in at', async context => {
  const fake = await startFor(context);
  assert.match(String((await postJson(fake, '/api/me', {}))['signin_url']), /^https:\/\/ollama\.com\/connect\?/);
});

test('keys in any case, any content type and trailing data are accepted', async context => {
  const fake = await startFor(context);
  const body = '{"Model":"llama3.2","MESSAGES":[{"Role":"user","content":"echo:ok"}],"stream":false} trailing';
  const response = await post(fake, '/api/chat', body, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  const answer = (await response.json()) as { message: { content: string } };
  assert.equal(answer.message.content, 'ok');
});

test('a foreign origin and a foreign host get a bare 403, a local origin gets its CORS header', async context => {
  const fake = await startFor(context);
  const version = (headers: Record<string, string>) => fetch(`${fake.url}/api/version`, { headers });
  const foreign = await version({ origin: 'https://evil.example' });
  assert.deepEqual([foreign.status, await foreign.text()], [403, '']);
  const local = await version({ origin: 'http://localhost:3000' });
  assert.equal(local.headers.get('access-control-allow-origin'), 'http://localhost:3000');
});
