import assert from 'node:assert/strict';
import { test } from 'node:test';
import { owedModels } from './owed-models.ts';

const nowMs = Date.parse('2026-05-10T12:00:00Z');

function record(over: Partial<Parameters<typeof owedModels>[0][number]>): Parameters<typeof owedModels>[0][number] {
  return {
    time: '2026-05-10T11:00:00Z',
    action: 'replace_model',
    target: 'a:1 m:latest',
    result: 'no_effect',
    duration_ms: 5,
    ...over,
  };
}

const own = [{ host: 'a:1', model: 'm:latest' }];

test('owed is what a process died over, and what could not be pulled again; not what came back', () => {
  assert.deepEqual(owedModels([record({ result: null, duration_ms: null })], nowMs), own);
  assert.deepEqual(owedModels([record({ duration_ms: null })], nowMs), own);
  assert.deepEqual(owedModels([record({ result: 'worse' })], nowMs), own);
  assert.deepEqual(owedModels([record({ result: 'worse', action: 'restore_model' })], nowMs), own);
  assert.deepEqual(owedModels([record({ result: 'healed' })], nowMs), []);
  assert.deepEqual(owedModels([record({})], nowMs), []);
  assert.deepEqual(owedModels([record({ result: null, duration_ms: null, action: 'pull_model' })], nowMs), []);
});

test('the last record of each model counts, without what was only told, and none that is a week old', () => {
  const worse = record({ result: 'worse' });
  assert.deepEqual(owedModels([record({ action: 'restore_model', result: 'healed' }), worse], nowMs), []);
  assert.deepEqual(owedModels([record({ action: 'restore_model', result: 'dry_run' }), worse], nowMs), own);
  assert.deepEqual(owedModels([record({ result: 'worse', target: 'b:1 n:latest' }), worse], nowMs).length, 2);
  assert.deepEqual(owedModels([record({ result: 'worse', time: '2026-05-01T11:00:00Z' })], nowMs), []);
});
