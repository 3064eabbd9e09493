import assert from 'node:assert/strict';
import { test } from 'node:test';
import { thinkFromEffort } from './reasoning-effort.ts';

test('efforts beyond the tiers of Ollama go to the nearest one', () => {
  const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'ultra', 'max'];
  const thinks = efforts.map(effort => thinkFromEffort(effort, 'p'));
  assert.deepEqual(thinks, [false, 'low', 'low', 'medium', 'high', 'max', 'max', 'max']);
});

test('no effort leaves thinking at the default of the model', () => {
  assert.equal(thinkFromEffort(undefined, 'p'), undefined);
  assert.equal(thinkFromEffort('', 'p'), undefined);
});

test('an unknown effort is refused in the words of Ollama', () => {
  assert.throws(() => thinkFromEffort('huge', 'reasoning_effort'), {
    status: 400,
    param: 'reasoning_effort',
    message:
      'invalid reasoning value: "huge" (must be "minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none")',
  });
});
