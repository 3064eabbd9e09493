import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOpenAiEmbeddingRequest, readEmbedded, renderOpenAiEmbeddings } from './openai-embeddings.ts';

test('a string and a list of strings are inputs, also an empty string', () => {
  assert.deepEqual(parseOpenAiEmbeddingRequest({ model: 'm', input: '' }), {
    model: 'm',
    encodingFormat: 'float',
    request: { model: 'm', input: [''] },
  });
  const body = { model: 'm', input: ['a', 'b'], dimensions: 64, encoding_format: 'base64' };
  assert.deepEqual(parseOpenAiEmbeddingRequest(body), {
    model: 'm',
    encodingFormat: 'base64',
    request: { model: 'm', input: ['a', 'b'], dimensions: 64 },
  });
});

test('no input is refused in the words of Ollama', () => {
  for (const input of [undefined, null, []]) {
    const refusal = { status: 400, message: 'invalid input', param: 'input' };
    assert.throws(() => parseOpenAiEmbeddingRequest({ model: 'm', input }), refusal);
  }
});

test('tokens are no input', () => {
  for (const input of [[1, 2], [[1]], 3, {}, ['a', 1]]) {
    const refusal = { status: 400, message: 'invalid input type', param: 'input' };
    assert.throws(() => parseOpenAiEmbeddingRequest({ model: 'm', input }), refusal);
  }
});

test('an unknown encoding and a missing model are refused', () => {
  assert.throws(() => parseOpenAiEmbeddingRequest({ model: 'm', input: 'a', encoding_format: 'hex' }), {
    status: 400,
    param: 'encoding_format',
    message: "Invalid value for 'encoding_format' = hex. Supported values: ['float', 'base64'].",
  });
  assert.throws(() => parseOpenAiEmbeddingRequest({ input: 'a' }), { status: 400, message: 'model is required' });
});

test('embeddings are lists of numbers or little-endian float32 in base64', () => {
  const answer = { model: 'm', embeddings: [[1, -0.5]], promptTokens: 3 };
  const list = (embedding: unknown) => ({
    object: 'list',
    data: [{ object: 'embedding', embedding, index: 0 }],
    model: 'm',
    usage: { prompt_tokens: 3, total_tokens: 3 },
  });
  assert.deepEqual(renderOpenAiEmbeddings(answer, 'float'), list([1, -0.5]));
  assert.deepEqual(renderOpenAiEmbeddings(answer, 'base64'), list('AACAPwAAAL8='));
});

const read = (answer: string): ReturnType<typeof readEmbedded> => readEmbedded(Buffer.from(answer));

test('vectors of the native answer are read, whether or not their tokens were counted', () => {
  assert.deepEqual(read('{"embeddings":[[1,2]],"prompt_eval_count":3}'), { embeddings: [[1, 2]], promptTokens: 3 });
  for (const count of ['', ',"prompt_eval_count":null'])
    assert.deepEqual(read(`{"embeddings":[[1]]${count}}`), { embeddings: [[1]], promptTokens: 0 });
});

test('an answer without vectors is `upstream_invalid`', () => {
  for (const vectors of ['null', '"x"', '{}', '[1]', '[null]', '[["1"]]', '[[null]]', '[[1],[1e999]]'])
    assert.throws(() => read(`{"embeddings":${vectors}}`), { name: 'DeciError', code: 'upstream_invalid' });
  for (const answer of ['{}', 'null', '<html>', '{"embeddings":[[1]],"prompt_eval_count":"3"}'])
    assert.throws(() => read(answer), { code: 'upstream_invalid' }, answer);
});
