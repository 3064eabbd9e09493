import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerTimes } from '../ollama/answer-times.ts';
import { HostInventory } from '../ollama/host-inventory.ts';
import { AdaptiveLimits, type TimedHost } from './adaptive-limits.ts';

const cold = { firstMs: 600_000, stallMs: 20_000, totalMs: 1_800_000 };
const final = { done: true, eval_count: 10, eval_duration: 1e9, prompt_eval_count: 10, prompt_eval_duration: 1e8 };
const wanted = { model: 'm', body: 'x'.repeat(400) };
const row = { name: 'm:latest' };

function setUp(loaded = true, fixedFirstMs?: number) {
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
  const others = { isLoading: false, hasLoaded: false };
  const limits = new AdaptiveLimits({
    times: new AnswerTimes(),
    floors: { firstMs: 15_000, stallMs: cold.stallMs },
    fixedFirstMs,
    loads: {
      isLoading: (key, name) => others.isLoading && key === 'm:latest' && name === 'h',
      loadedAt: () => new Set(others.hasLoaded ? ['h'] : []),
    },
  });
  const answer = (count: number, over: object = {}): void => {
    for (; count > 0; count--) limits.saw('h', 'm', { ...final, ...over }, 200);
  };
  return { host, limits, answer, probes, loading, others, now: () => limits.for(host, wanted, cold) };
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

test('what another worker loads is given the time of loading, and begins anew when that is over', async () => {
  const { answer, now, others } = setUp();
  answer(5);
  const limits = now();
  assert.ok('firstAgain' in limits);
  others.isLoading = true;
  assert.equal(await limits.firstAgain(), cold.firstMs - 15_000);
  others.isLoading = false;
  others.hasLoaded = true;
  assert.equal(await limits.firstAgain(), 15_000);
});

test('a limit that the user has set holds for what is in memory at once, and never for what is to be loaded', () => {
  const warm = setUp(true, 700);
  assert.deepEqual([warm.now().firstMs, warm.now().stallMs], [700, cold.stallMs]);
  warm.loading.set('m:latest', 1);
  assert.equal(warm.now().firstMs, cold.firstMs);
  assert.equal(setUp(false, 700).now().firstMs, cold.firstMs);
});

test('how long a prompt is read is guessed from the first answer on, by its length', () => {
  const { limits, answer } = setUp();
  const prompt = { model: 'm', body: 'x'.repeat(40_000) };
  assert.equal(limits.expectedMs({ name: 'h' }, prompt), undefined);
  // 10 ms a token, and 100 ms beside.
  answer(1);
  assert.equal(limits.expectedMs({ name: 'h' }, prompt), 100_100);
});
