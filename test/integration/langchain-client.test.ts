/** LangChain's models for Ollama, which bring the npm client `ollama` along. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOllama, OllamaEmbeddings } from '@langchain/ollama';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { abortSeen, bearer, lastBody } from './wire.ts';

let cluster: TestCluster;
let model: ChatOllama;

before(async () => {
  cluster = await startCluster();
  model = new ChatOllama({
    baseUrl: cluster.url,
    headers: bearer(cluster.key),
    model: 'llama3.2',
    temperature: 0.5,
    maxRetries: 0,
    fetch: checkedFetch,
  });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
  },
};

test('invoke answers with usage', async () => {
  const answer = await model.invoke('echo:hello');
  assert.equal(answer.content, 'hello');
  assert.match(JSON.stringify(answer.usage_metadata), /"total_tokens":[1-9]/);
  assert.deepEqual((lastBody(cluster.control, '/api/chat')['options'] as { temperature: number }).temperature, 0.5);
});

test('stream gives the answer in pieces', async () => {
  const pieces: string[] = [];
  for await (const piece of await model.stream('tell me')) pieces.push(piece.text);
  assert.ok(pieces.length > 10);
  assert.equal(pieces.join(''), (await model.invoke('tell me')).content);
});

test('batch answers side by side, each its own', async () => {
  const answers = await model.batch(['echo:one', 'echo:two', 'echo:three']);
  assert.deepEqual(
    answers.map(answer => answer.content),
    ['one', 'two', 'three'],
  );
});

test('bindTools calls a tool and answers its result', async () => {
  const bound = model.bindTools([weather]);
  const question = new HumanMessage('use get_weather');
  const first = await bound.invoke([question]);
  const [call] = first.tool_calls ?? [];
  assert.equal(call?.name, 'get_weather');
  assert.equal(typeof call.args['city'], 'string');
  const result = new ToolMessage({ content: '11 °C', tool_call_id: call.id ?? '', name: 'get_weather' });
  const second = await bound.invoke([question, first, result]);
  assert.equal(second.tool_calls?.length ?? 0, 0);
  assert.ok(second.text.length > 0);
});

test('structured output fits its schema', async () => {
  const schema = { type: 'object', required: ['colour'], properties: { colour: { enum: ['red', 'blue'] } } };
  const shaped = model.withStructuredOutput<{ colour: string }>(schema, { method: 'jsonSchema' });
  assert.match((await shaped.invoke('tell me')).colour, /^(red|blue)$/);
});

test('embeddings of documents and of a query', async () => {
  const embeddings = new OllamaEmbeddings({
    baseUrl: cluster.url,
    headers: bearer(cluster.key),
    model: 'nomic-embed-text',
    maxRetries: 0,
    fetch: checkedFetch,
  });
  const vectors = await embeddings.embedDocuments(['one', 'two']);
  assert.deepEqual(
    vectors.map(vector => vector.length),
    [16, 16],
  );
  assert.deepEqual(await embeddings.embedQuery('one'), vectors[0]);
});

test('an abort reaches Ollama within a second', async () => {
  cluster.control.setOptions({ tokenMs: 50, tokens: 1000 });
  const leave = new AbortController();
  const stream = await model.stream('tell me', { signal: leave.signal });
  await stream[Symbol.asyncIterator]().next();
  leave.abort();
  await abortSeen(cluster.control, 0);
});

test('an error keeps its text', async () => {
  const missing = new ChatOllama({
    baseUrl: cluster.url,
    headers: bearer(cluster.key),
    model: 'nope',
    maxRetries: 0,
    fetch: checkedFetch,
  });
  await assert.rejects(missing.invoke('hi'), /model 'nope' not found/);
});
