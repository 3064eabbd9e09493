/** What a server must do that speaks Ollama's API, whether it has a model or not. */
import assert from 'node:assert/strict';
import { ask, json, refused, type Target } from './target.ts';

export interface Check {
  readonly name: string;
  /** What the target must have for it. */
  readonly needs: 'server' | 'model' | 'embedModel';
  readonly run: (target: Target) => Promise<void>;
}

const unknown = 'no-such-model';
const hi = [{ role: 'user', content: 'hi' }];

function check(name: string, run: Check['run']): Check {
  return { name, needs: 'server', run };
}

export const serverChecks: readonly Check[] = [
  check('/ says that it runs, to GET and HEAD', async target => {
    const answer = await ask(target, '/');
    assert.deepEqual([answer.status, answer.text], [200, 'Ollama is running']);
    assert.equal((await ask(target, '/', { method: 'HEAD' })).status, 200);
  }),
  check('version, tags and ps have their shapes', async target => {
    assert.match(String(json(await ask(target, '/api/version'))['version']), /^\d+\.\d+/);
    assert.ok(Array.isArray(json(await ask(target, '/api/tags'))['models']));
    assert.ok(Array.isArray(json(await ask(target, '/api/ps'))['models']));
    assert.equal((await ask(target, '/api/tags', { method: 'HEAD' })).status, 200);
  }),
  check('unknown paths and methods are refused in plain text', async target => {
    const path = await ask(target, '/api/nothing');
    assert.deepEqual([path.status, path.text], [404, '404 page not found']);
    const method = await ask(target, '/api/chat');
    assert.deepEqual([method.status, method.text], [405, '405 method not allowed']);
  }),
  check('a missing body is told apart from a malformed one', async target => {
    for (const path of ['/api/chat', '/api/generate', '/api/embed', '/api/show']) {
      refused(await ask(target, path, { body: '' }), 400, 'missing request body');
      refused(await ask(target, path, { body: '{' }), 400, /./);
    }
  }),
  check('a missing model is refused in the words of each route', async target => {
    refused(await ask(target, '/api/generate', { body: { prompt: 'hi' } }), 404, "model '' not found");
    for (const [path, body, text] of [
      ['/api/chat', { model: unknown, messages: hi }, `model '${unknown}' not found`],
      ['/api/generate', { model: unknown, prompt: 'hi' }, `model '${unknown}' not found`],
      ['/api/embeddings', { model: unknown, prompt: 'hi' }, `model "${unknown}" not found, try pulling it first`],
      ['/api/copy', { source: unknown, destination: 'other' }, `model "${unknown}" not found`],
    ] as const) {
      refused(await ask(target, path, { body }), 404, text);
    }
    refused(await ask(target, '/api/delete', { method: 'DELETE', body: { model: unknown } }), 404, /not found/);
    refused(await ask(target, '/api/show', { body: { model: unknown } }), 404, /not found/);
  }),
  check('keys are known in any case, and the content type does not matter', async target => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await ask(target, '/api/chat', { headers, body: { Model: unknown, MESSAGES: hi } });
    refused(answer, 404, `model '${unknown}' not found`);
  }),
  check('create wants something to create from', async target => {
    const answer = await ask(target, '/api/create', { body: { model: 'mine', stream: false } });
    refused(answer, 400, "neither 'from' or 'files' was specified");
  }),
  check('a blob is looked for and checked', async target => {
    const digest = `sha256:${'0'.repeat(64)}`;
    assert.equal((await ask(target, `/api/blobs/${digest}`, { method: 'HEAD' })).status, 404);
    refused(await ask(target, `/api/blobs/${digest}`, { body: 'other bytes' }), 400, /^digest mismatch, expected "/);
  }),
  check('a foreign origin is refused without a word, a local one is not', async target => {
    const foreign = await ask(target, '/api/version', { headers: { origin: 'http://evil.example' } });
    assert.deepEqual([foreign.status, foreign.text], [403, '']);
    const local = await ask(target, '/api/version', { headers: { origin: 'http://localhost:5173' } });
    assert.equal(local.headers['access-control-allow-origin'], 'http://localhost:5173');
    const headers = { origin: 'http://localhost:5173', 'access-control-request-method': 'POST' };
    const preflight = await ask(target, '/api/chat', { method: 'OPTIONS', headers });
    assert.equal(preflight.status, 204);
    assert.match(String(preflight.headers['access-control-allow-headers']), /authorization/i);
  }),
  check('a foreign name in Host is refused', async target => {
    const answer = await ask(target, '/api/version', { headers: { host: 'evil.example' } });
    assert.deepEqual([answer.status, answer.text], [403, '']);
  }),
  check('OpenAI errors have their shape', async target => {
    const missing = await ask(target, '/v1/chat/completions', { body: { model: unknown, messages: hi } });
    assert.equal(missing.status, 404);
    const error = json(missing)['error'] as Record<string, unknown>;
    assert.equal(error['type'], 'not_found_error');
    assert.match(String(error['message']), /not found/);
    const empty = await ask(target, '/v1/chat/completions', { body: { model: unknown, messages: [] } });
    assert.equal(empty.status, 400);
    assert.match(empty.text, /\[\] is too short - 'messages'/);
    assert.equal(json(await ask(target, '/v1/models'))['object'], 'list');
  }),
  check('Anthropic errors have their shape', async target => {
    const answer = await ask(target, '/v1/messages', { body: { model: unknown, messages: hi } });
    assert.equal(answer.status, 400);
    assert.equal(json(answer)['type'], 'error');
    assert.equal((json(answer)['error'] as Record<string, unknown>)['type'], 'invalid_request_error');
  }),
];
