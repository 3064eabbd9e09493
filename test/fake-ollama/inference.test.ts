import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat, type Line, post, postJson, postLines, startFor } from './test-client.ts';

const textOf = (lines: Line[], name: string) => lines.map(line => (line.message?.[name] as string) ?? '').join('');
const contentOf = (lines: Line[]) => textOf(lines, 'content');
const thinkingOf = (lines: Line[]) => textOf(lines, 'thinking');

test('chat streams lines of NDJSON by default and ends with done and metrics', async context => {
  const fake = await startFor(context);
  const response = await post(fake, '/api/chat', chat('hello'));
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  await response.text();
  const lines = await postLines(fake, '/api/chat', chat('hello'));
  assert.equal(lines.length, 21);
  const last = lines.at(-1) as Line;
  assert.deepEqual([last['done'], last['done_reason'], last['eval_count']], [true, 'stop', 20]);
  assert.match(String(last['created_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  for (const name of ['total_duration', 'load_duration', 'eval_duration'])
    assert.ok(Number.isInteger(last[name]), name);
  assert.equal('prompt_eval_duration' in last, false, 'a zero metric is left out');
});

test('the same request gives the same text, streamed or not', async context => {
  const fake = await startFor(context);
  const streamed = contentOf(await postLines(fake, '/api/chat', chat('tell me')));
  const whole = await postJson(fake, '/api/chat', chat('tell me', { stream: false }));
  assert.equal((whole['message'] as Record<string, unknown>)['content'], streamed);
  assert.notEqual(contentOf(await postLines(fake, '/api/chat', chat('tell me', { options: { seed: 7 } }))), streamed);
});

test('echo answers exactly, in tokens, whatever the characters', async context => {
  const fake = await startFor(context, { tokenMs: 0.1 });
  const lines = await postLines(fake, '/api/chat', chat('echo:Grüße 😀 an\n"alle" 東京'));
  assert.equal(contentOf(lines), 'Grüße 😀 an\n"alle" 東京');
  assert.ok(lines.length > 4);
});

test('an empty prompt or no messages loads the model, and unloads it with keep_alive 0, as one object', async context => {
  const fake = await startFor(context);
  const load = await post(fake, '/api/chat', { model: 'llama3.2', messages: [] });
  assert.match(load.headers.get('content-type') ?? '', /^application\/json/);
  assert.equal(((await load.json()) as Line)['done_reason'], 'load');
  assert.equal((await postJson(fake, '/api/generate', { model: 'qwen3' }))['done_reason'], 'load');
  assert.equal(fake.control.state().models['llama3.2:latest']?.loaded, true);
  assert.equal((await postJson(fake, '/api/generate', { model: 'llama3.2', keep_alive: 0 }))['done_reason'], 'unload');
  assert.equal(fake.control.state().models['llama3.2:latest']?.loaded, false);
});

test('ps shows what is loaded, the longest to stay first', async context => {
  const fake = await startFor(context);
  await postJson(fake, '/api/generate', { model: 'llama3.2', keep_alive: '1m' });
  await postJson(fake, '/api/generate', { model: 'qwen3', keep_alive: '1h', options: { num_ctx: 2048 } });
  const ps = (await (await fetch(`${fake.url}/api/ps`)).json()) as { models: Line[] };
  assert.deepEqual(
    ps.models.map(model => [model['name'], model['context_length']]),
    [
      ['qwen3:latest', 2048],
      ['llama3.2:latest', 4096],
    ],
  );
  const stay = Date.parse(String(ps.models[0]?.['expires_at'])) - Date.now();
  assert.ok(stay > 3_500_000 && stay <= 3_600_000);
});

test('thinking models think first unless told not to', async context => {
  const fake = await startFor(context);
  const lines = await postLines(fake, '/api/chat', chat('hm', { model: 'qwen3' }));
  assert.notEqual(thinkingOf(lines), '');
  assert.equal(lines[0]?.message?.['content'], '');
  const quiet = await postLines(fake, '/api/chat', chat('hm', { model: 'qwen3', think: false }));
  assert.equal(thinkingOf(quiet), '');
});

test('a tool is called when the user names it and no format is set, and not again after its result', async context => {
  const fake = await startFor(context);
  const tools = [
    {
      type: 'function',
      function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ];
  const lines = await postLines(fake, '/api/chat', chat('get_weather in Bonn', { tools }));
  const call = (
    lines[0]?.message?.['tool_calls'] as { function: { name: string; arguments: object } }[] | undefined
  )?.[0];
  assert.equal(call?.function.name, 'get_weather');
  assert.deepEqual(Object.keys(call?.function.arguments ?? {}), ['city']);
  assert.equal(lines.at(-1)?.['done_reason'], 'stop');
  const formatted = await postJson(fake, '/api/chat', chat('get_weather', { tools, format: 'json', stream: false }));
  assert.doesNotThrow(() => JSON.parse(String((formatted['message'] as Line)['content'])));
  const result = { role: 'tool', content: 'sunny', tool_name: 'get_weather' };
  const after = await postLines(fake, '/api/chat', {
    ...chat('', { tools }),
    messages: [{ role: 'user', content: 'get_weather' }, result],
  });
  assert.equal(
    after.some(line => line.message?.['tool_calls']),
    false,
  );
});

test('a vision model counts images and their bytes', async context => {
  const fake = await startFor(context);
  const images = [Buffer.alloc(100).toString('base64'), Buffer.alloc(7).toString('base64')];
  const answer = await postJson(fake, '/api/generate', { model: 'llava', prompt: 'what?', images, stream: false });
  assert.equal(answer['response'], '2 images: 100 bytes, 7 bytes');
});

test('generate returns a context unless raw, and logprobs when asked', async context => {
  const fake = await startFor(context);
  const ask = { model: 'llama3.2', prompt: 'hi', stream: false, options: { num_predict: 3 } };
  const answer = await postJson(fake, '/api/generate', { ...ask, logprobs: true, top_logprobs: 2 });
  assert.ok(Array.isArray(answer['context']));
  const logprobs = answer['logprobs'] as { top_logprobs: unknown[] }[];
  assert.deepEqual(
    logprobs.map(one => one.top_logprobs.length),
    [2, 2, 2],
  );
  assert.equal('context' in (await postJson(fake, '/api/generate', { ...ask, raw: true })), false);
});

test('embed normalises and cuts to dimensions, embeddings does not normalise', async context => {
  const fake = await startFor(context);
  const { embeddings } = (await postJson(fake, '/api/embed', { model: 'nomic-embed-text', input: ['a', 'b'] })) as {
    embeddings: number[][];
  };
  assert.deepEqual(
    embeddings.map(vector => vector.length),
    [16, 16],
  );
  assert.ok(Math.abs(Math.hypot(...(embeddings[0] ?? [])) - 1) < 1e-6);
  const short = (await postJson(fake, '/api/embed', { model: 'nomic-embed-text', input: 'a', dimensions: 4 })) as {
    embeddings: number[][];
  };
  assert.equal(short.embeddings[0]?.length, 4);
  assert.deepEqual(await postJson(fake, '/api/embed', { model: 'nomic-embed-text' }), {
    model: 'nomic-embed-text',
    embeddings: [],
  });
  const { embedding } = (await postJson(fake, '/api/embeddings', { model: 'nomic-embed-text', prompt: 'a b c' })) as {
    embedding: number[];
  };
  assert.ok(Math.abs(Math.hypot(...embedding) - 1) > 0.01);
});

test('requests beyond NUM_PARALLEL wait and never run together', async context => {
  const fake = await startFor(context, { numParallel: 2, tokenMs: 0.2 });
  await Promise.all(Array.from({ length: 6 }, (_, index) => postLines(fake, '/api/chat', chat(`number ${index}`))));
  const { maxConcurrent, generations, active } = fake.control.state();
  assert.deepEqual([maxConcurrent, generations, active], [2, 6, 0]);
});

test('a client that leaves during prompt processing keeps its slot busy until the prompt is done', async context => {
  const fake = await startFor(context, { firstTokenMs: 250 });
  const client = new AbortController();
  const lost = post(fake, '/api/chat', chat('long'), { signal: client.signal });
  await fake.control.waitFor(state => state.active === 1);
  client.abort();
  await assert.rejects(lost);
  const seen = await fake.control.waitFor(state => state.aborted === 1);
  assert.equal(seen.active, 1);
  await fake.control.waitFor(state => state.active === 0);
});

test('a client that leaves between tokens frees its slot', async context => {
  const fake = await startFor(context, { tokenMs: 5, tokens: 100_000 });
  const client = new AbortController();
  const response = await post(fake, '/api/chat', chat('endless'), { signal: client.signal });
  await response.body?.getReader().read();
  client.abort();
  await fake.control.waitFor(state => state.aborted === 1 && state.active === 0);
});

test('a prompt that begins as the last one did costs only what is new', async context => {
  const fake = await startFor(context, { promptTokenMs: 1 });
  const long = 'x'.repeat(400);
  const ask = async (content: string) =>
    Number((await postJson(fake, '/api/chat', chat(content, { stream: false })))['prompt_eval_duration'] ?? 0);
  assert.ok((await ask(long)) >= 100e6);
  assert.ok((await ask(`${long} and more`)) < 10e6);
});
