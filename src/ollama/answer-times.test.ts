import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AnswerTime,
  AnswerTimes,
  expectedTimes,
  firstTokenLimit,
  leastAnswers,
  stallLimit,
} from './answer-times.ts';

const usual: AnswerTime = { firstTokenMs: 300, promptTokens: 100, promptMs: 200, tokenMs: 20 };

function times(count: number, over: Partial<AnswerTime> = {}): AnswerTime[] {
  return Array.from({ length: count }, () => ({ ...usual, ...over }));
}

test('nothing is expected before enough was seen', () => {
  assert.equal(firstTokenLimit(expectedTimes(times(leastAnswers - 1)), 100, 15_000), undefined);
  assert.equal(stallLimit(expectedTimes(times(leastAnswers - 1, { tokenMs: 10_000 })), 20_000), 20_000);
});

test('a fast host has the least that is allowed, and never less', () => {
  assert.equal(firstTokenLimit(expectedTimes(times(20)), 100, 15_000), 15_000);
  assert.equal(stallLimit(expectedTimes(times(20)), 20_000), 20_000);
});

test('a long prompt has four times what reading it and all the rest should take', () => {
  // 2 ms a token were seen, but what is remembered is read faster than what is new: 5 ms are allowed.
  assert.equal(firstTokenLimit(expectedTimes(times(20)), 10_000, 15_000), 4 * (100 + 5 * 10_000));
  const slow = times(20, { firstTokenMs: 3500, promptMs: 3000 });
  assert.equal(firstTokenLimit(expectedTimes(slow), 1000, 15_000), 4 * (500 + 30 * 1000));
});

test('the slowest one in twenty counts for the first token, the middle for the time between tokens', () => {
  const mixed = [...times(18), ...times(2, { firstTokenMs: 10_200, tokenMs: 60_000 })];
  assert.equal(firstTokenLimit(expectedTimes(mixed), 1, 15_000), 4 * (10_000 + 5));
  assert.equal(
    firstTokenLimit(expectedTimes([...times(19), ...times(1, { firstTokenMs: 90_000 })]), 1, 15_000),
    15_000,
  );
  assert.equal(stallLimit(expectedTimes(mixed), 20_000), 20_000);
  assert.equal(stallLimit(expectedTimes(times(20, { tokenMs: 2000 })), 20_000), 60_000);
});

test('what is expected follows the last 64 answers, sixteen answers later at most', () => {
  const known = new AnswerTimes();
  for (let count = 0; count < leastAnswers - 1; count++) known.saw('h', 'm', usual);
  assert.equal(known.expected('h', 'm'), undefined);
  known.saw('h', 'm', usual);
  assert.equal(known.expected('h', 'm')?.tokenMs, 20);
  for (let count = 0; count < 64 + 16; count++) known.saw('h', 'm', { ...usual, tokenMs: 30 });
  assert.equal(known.expected('h', 'm')?.tokenMs, 30);
  assert.equal(known.expected('other', 'm'), undefined);
});

test('of very many models those that were seen first are forgotten', () => {
  const known = new AnswerTimes();
  for (let model = 0; model <= 1000; model++) {
    for (let count = 0; count < leastAnswers; count++) known.saw('h', `${model}`, usual);
  }
  assert.equal(known.expected('h', '0'), undefined);
  assert.equal(known.expected('h', '1000')?.tokenMs, 20);
});
