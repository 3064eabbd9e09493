import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderOpenAiModel, renderOpenAiModels } from './openai-models.ts';

test('a model has its time of change and its namespace', () => {
  const model = { model: 'llama3:latest', name: 'other', modified_at: '2026-08-21T10:00:00.123456789+02:00' };
  const created = Date.UTC(2026, 7, 21, 8) / 1000;
  assert.deepEqual(renderOpenAiModel(model), { id: 'llama3:latest', object: 'model', created, owned_by: 'library' });
});

test('the namespace is the part before the model', () => {
  const ownerOf = (name: string) => (renderOpenAiModel({ name }) as { owned_by: string }).owned_by;
  assert.equal(ownerOf('user/m:1'), 'user');
  assert.equal(ownerOf('hf.co/user/repo:q4'), 'user');
});

test('a model without a time was created at 0', () => {
  assert.deepEqual(renderOpenAiModel({ name: 'm' }), { id: 'm', object: 'model', created: 0, owned_by: 'library' });
});

test('no models are an empty list and never null', () => {
  assert.deepEqual(renderOpenAiModels([]), { object: 'list', data: [] });
  assert.deepEqual(renderOpenAiModels([{ name: 'm' }]), { object: 'list', data: [renderOpenAiModel({ name: 'm' })] });
});
