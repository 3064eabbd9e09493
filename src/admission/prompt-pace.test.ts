import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromptPace } from './prompt-pace.ts';

function usual(pace = new PromptPace()): PromptPace {
  for (let time = 0; time < 20; time++) {
    const promptTokens = 100 + time * 50;
    assert.equal(pace.saw({ promptTokens, untilFirstMs: promptTokens, inUse: 1 }), false);
  }
  return pace;
}

test('long prompts take long, and that is all; many that share a host take as much longer', () => {
  const pace = usual();
  for (let time = 0; time < 20; time++) {
    assert.equal(pace.saw({ promptTokens: 10_000, untilFirstMs: 10_000, inUse: 1 }), false);
    assert.equal(pace.saw({ promptTokens: 1000, untilFirstMs: 4000, inUse: 4 }), false);
  }
});

test('where each token takes more than twice as long as usual, not once but lately, it is too much', () => {
  const pace = usual();
  const slow = { promptTokens: 500, untilFirstMs: 2000, inUse: 1 };
  assert.equal(pace.saw(slow), false);
  const told = [pace.saw(slow), pace.saw(slow), pace.saw(slow)];
  assert.ok(told.includes(true), told.join());
  pace.moved();
  assert.equal(pace.saw(slow), false, 'it is seen anew');
});

test('short prompts and those that are remembered say nothing', () => {
  const pace = usual();
  for (let time = 0; time < 50; time++) {
    pace.saw({ promptTokens: 1000, untilFirstMs: 20, inUse: 1 });
    pace.saw({ promptTokens: 5, untilFirstMs: 5000, inUse: 1 });
  }
  assert.equal(pace.saw({ promptTokens: 500, untilFirstMs: 500, inUse: 1 }), false);
  usual(pace);
});
