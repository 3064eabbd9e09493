import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyUsage } from '../../gateway/generation.ts';
import { openAiUsage } from './openai-usage.ts';

test('of several answers the prompt counts once and every output counts', () => {
  const usages = [
    { ...emptyUsage, promptTokens: 7, outputTokens: 2 },
    { ...emptyUsage, promptTokens: 7, outputTokens: 3 },
  ];
  assert.deepEqual(openAiUsage(usages), { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 });
});

test('no answers have no tokens', () => {
  assert.deepEqual(openAiUsage([]), { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
});
