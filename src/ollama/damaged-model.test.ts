import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { causeOf, damageWords, isDamaged } from './damaged-model.ts';

test('what Ollama says of a damaged file is known, each sentence by its own row', () => {
  for (const { words, example } of damageWords) {
    const rows = damageWords.filter(row => row.words.test(example));
    assert.deepEqual(
      rows.map(row => row.words),
      [words],
      example,
    );
  }
});

test('what else keeps a model from loading is no damage', () => {
  for (const text of [
    'llama runner process has terminated: exit status 2',
    'llama runner process has terminated: signal: killed',
    'model requires more system memory (9 GiB) than is available (4 GiB)',
    'CUDA error: out of memory',
    'unable to load model',
    'unable to load model: /root/.ollama/models/blobs/sha256-6a0746a1ec1a',
    'error loading model: unable to allocate backend buffer',
    'unknown model architecture: "new"',
    'timed out waiting for llama runner to start',
    'open /dev/kfd: no such file or directory',
    'magic',
  ]) {
    assert.equal(isDamaged(text), false, text);
  }
});

test('a breaker keeps the damage where the host said it, and the code of everything else', () => {
  const message = 'invalid file magic';
  assert.equal(causeOf(new DeciError('upstream_refused', { message, status: 500 })), 'model_damaged');
  assert.equal(causeOf(new DeciError('upstream_failed', { message })), 'model_damaged');
  assert.equal(
    causeOf(new DeciError('upstream_refused', { message: 'exit status 2', status: 500 })),
    'upstream_refused',
  );
  assert.equal(causeOf(new DeciError('invalid_request', { message })), 'invalid_request');
});
