import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerTimes } from '../ollama/answer-times.ts';
import { HostInventory } from '../ollama/host-inventory.ts';
import { AdaptiveLimits, type TimedHost } from './adaptive-limits.ts';

const cold = { firstMs: 600_000, stallMs: 20_000, totalMs: 1_800_000 };
const final = { done: true, eval_count: 10, eval_duration: 1e9, prompt_eval_count: 10, prompt_eval_duration: 1e8 };
const wanted = { model: 'm', body: 'x'.repeat(400) };
const row = { name: 'm:latest' };

function setUp(loaded = true) {
  const inventory = new HostInventory();
  inventory.update([row], loaded ? [row] : []);
  const probes = { seen: [row] as readonly object[], fails: false };
  const loading = new Map<string, number>();
  const host: TimedHost = {
    name: 'h',
    inventory,
    loading,
    probe: async () => {
      if (probes.fails) throw new Error('hangs');
      return { isChanged: inventory.update([row], probes.seen) };
    },
  };
  const limits = new AdaptiveLimits({ times: new AnswerTimes(), floors: { firstMs: 15_000, stallMs: cold.stallMs } });
  const answer = (count: number, over: object = {}): void => {
    for (; count > 0; count--) limits.saw('h', 'm', { ...final, ...over }, 200);
  };
  return { host, limits, answer, probes, loading, now: () => limits.for(host, wanted, cold) };
}

test('a model that is loaded and known has its own limit; all others have what loading takes', () => {
  const { now, answer, loading } = setUp();
  assert.equal(now().firstMs, cold.firstMs);
  answer(5);
  assert.equal(now().firstMs, 15_000);
  loading.set('m:latest', 1);
  assert.equal(now().firstMs, cold.firstMs);
  const other = setUp(false);
  other.answer(5);
  assert.equal(other.now().firstMs, cold.firstMs);
});

test('what was spent on loading says nothing of a first token, and what generated nothing says nothing', () => {
  const { limits, host, answer, now } = setUp();
  answer(5, { eval_count: 0 });
  assert.equal(now().firstMs, cold.firstMs);
  for (let count = 0; count < 5; count++) limits.saw('h', 'm', { ...final, load_duration: 60e9 }, 60_200);
  assert.equal(limits.for(host, wanted, cold).firstMs, 15_000);
});

test('slow hosts may be silent for longer between tokens', () => {
  const { answer, now } = setUp();
  answer(5, { eval_duration: 20e9 });
  assert.equal(now().stallMs, 60_000);
});

test('before an attempt is given up the host is asked whether the model is still there', async () => {
  const { answer, now, probes } = setUp();
  answer(5);
  const limits = now();
  assert.ok('firstAgain' in limits);
  assert.equal(await limits.firstAgain(), 0);
  probes.fails = true;
  assert.equal(await limits.firstAgain(), 0, 'what does not answer is not loading');
  probes.fails = false;
  probes.seen = [{ name: 'other' }];
  assert.equal(await limits.firstAgain(), cold.firstMs - 15_000);
});
