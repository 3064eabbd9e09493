import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { chat, type Line, post, postJson, postLines, startFor } from './test-client.ts';

async function names(url: string): Promise<string[]> {
  const { models } = (await (await fetch(`${url}/api/tags`)).json()) as { models: Line[] };
  return models.map(model => String(model['name']));
}

test('names are found in any case, with the default tag, and with slashes', async context => {
  const fake = await startFor(context);
  for (const model of ['LLAMA3.2', 'llama3.2:latest', 'library/llama3.2', 'hf.co/bartowski/tiny:q4']) {
    const answer = await postJson(fake, '/api/chat', chat('echo:yes', { model, stream: false }));
    assert.deepEqual([answer['model'], (answer['message'] as Line)['content']], [model, 'yes']);
  }
});

test('pull reports its progress and adds the model; without stream only the last line comes', async context => {
  const fake = await startFor(context);
  const statuses = (await postLines(fake, '/api/pull', { model: 'phi4' })).map(line => String(line['status']));
  assert.equal(statuses[0], 'pulling manifest');
  assert.match(statuses[1] ?? '', /^pulling [0-9a-f]{12}$/);
  assert.deepEqual(statuses.slice(-3), ['verifying sha256 digest', 'writing manifest', 'success']);
  assert.ok((await names(fake.url)).includes('phi4:latest'));
  assert.deepEqual(await postJson(fake, '/api/pull', { name: 'phi4', stream: false }), { status: 'success' });
});

test('a pull of what the registry does not have fails in the stream', async context => {
  const fake = await startFor(context);
  const lines = await postLines(fake, '/api/pull', { model: 'missing-model' });
  assert.deepEqual(lines, [{ status: 'pulling manifest' }, { error: 'pull model manifest: file does not exist' }]);
  assert.equal((await post(fake, '/api/pull', { model: 'missing-model', stream: false })).status, 500);
});

test('create makes a model from another and copy doubles one', async context => {
  const fake = await startFor(context);
  const lines = await postLines(fake, '/api/create', {
    model: 'mine',
    from: 'qwen3',
    system: 'be brief',
    parameters: { temperature: 0 },
  });
  assert.deepEqual(lines.at(-1), { status: 'success' });
  const shown = await postJson(fake, '/api/show', { model: 'mine' });
  assert.equal(shown['system'], 'be brief');
  assert.match(String(shown['parameters']), /^temperature +0$/);
  assert.deepEqual(shown['capabilities'], ['completion', 'tools', 'thinking']);
  const copied = await post(fake, '/api/copy', { source: 'mine', destination: 'yours:v2' });
  assert.deepEqual([copied.status, await copied.text()], [200, '']);
  assert.ok((await names(fake.url)).includes('yours:v2'));
});

test('show repeats the asked name to the one client that wants it', async context => {
  const fake = await startFor(context);
  const show = async (agent: string) => {
    const response = await post(fake, '/api/show', { model: 'llama3.2' }, { headers: { 'user-agent': agent } });
    return ((await response.json()) as { model_info: Record<string, unknown> }).model_info['general.basename'];
  };
  assert.equal(await show('GitHubCopilotChat/1.0'), 'llama3.2');
  await postJson(fake, '/api/copy', { source: 'llama3.2', destination: 'other' }).catch(() => {});
  assert.equal(await show('curl/8'), 'llama3.2');
});

test('a blob is hashed as it streams in, remembered, and refused when its digest differs', async context => {
  const fake = await startFor(context);
  const data = Buffer.alloc(3_000_000, 'b');
  const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
  const url = `${fake.url}/api/blobs/${digest}`;
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 404);
  assert.equal((await fetch(url, { method: 'POST', body: data })).status, 201);
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(url, { method: 'POST', body: data })).status, 200);
  const wrong = `sha256:${'0'.repeat(64)}`;
  const refused = await fetch(`${fake.url}/api/blobs/${wrong}`, { method: 'POST', body: data });
  assert.equal(refused.status, 400);
  assert.deepEqual(await refused.json(), { error: `digest mismatch, expected "${wrong}", got "${digest}"` });
  const bad = await fetch(`${fake.url}/api/blobs/nonsense`, { method: 'POST', body: 'x' });
  assert.deepEqual([bad.status, await bad.json()], [400, { error: 'invalid digest format' }]);
  const made = await postLines(fake, '/api/create', { model: 'fromfile', files: { 'm.gguf': digest } });
  assert.deepEqual(made.at(-1), { status: 'success' });
});

test('the small endpoints answer', async context => {
  const fake = await startFor(context, { version: '0.1.2' });
  const get = async (path: string) => (await fetch(`${fake.url}${path}`)).text();
  assert.equal(await get('/'), 'Ollama is running');
  assert.equal((await fetch(fake.url, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(`${fake.url}/api/tags`, { method: 'HEAD' })).status, 200);
  assert.deepEqual(JSON.parse(await get('/api/version')), { version: '0.1.2' });
  assert.deepEqual(JSON.parse(await get('/api/status')), { cloud: { disabled: false, source: 'none' } });
  assert.ok(
    Array.isArray((JSON.parse(await get('/api/experimental/model-recommendations')) as Line)['recommendations']),
  );
});
