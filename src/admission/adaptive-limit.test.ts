import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdaptiveLimit, type GenerationSample } from './adaptive-limit.ts';

const calm = { saturated: true, innerWaitMs: 0, generatedMs: 1000, promptTokens: 0, untilFirstMs: 0 };

/** Lets a limit see complete generations of a host that is fastest at `parallel` at once. */
class Host {
  readonly limit: AdaptiveLimit;
  atMs = 0;
  readonly #parallel: number;

  constructor(parallel: number, options = { initial: 1, max: 5 }) {
    this.#parallel = parallel;
    this.limit = new AdaptiveLimit(options);
  }

  generate(count: number, over: Partial<GenerationSample> = {}): this {
    for (; count > 0; count--) {
      const inUse = this.limit.limit;
      this.atMs += 1000;
      const tokensPerSecond = (100 * Math.min(inUse, this.#parallel)) / inUse;
      this.limit.observe({ ...calm, atMs: this.atMs, inUse, tokensPerSecond, ...over });
    }
    return this;
  }
}

test('it rises while all together get faster, and stays where they do not', () => {
  const host = new Host(3).generate(20);
  assert.equal(host.limit.limit, 3);
});

test('it never rises above the most there are, and stays alone without saturation', () => {
  assert.equal(new Host(100).generate(100).limit.limit, 5);
  assert.equal(new Host(100).generate(100, { saturated: false }).limit.limit, 1);
});

test('requests that waited inside the host make it fall, and it is not tried again at once', () => {
  const host = new Host(100).generate(3);
  assert.equal(host.limit.limit, 2);
  host.generate(1, { innerWaitMs: 2000 });
  assert.equal(host.limit.limit, 2);
  host.generate(1, { innerWaitMs: 2000 });
  assert.equal(host.limit.limit, 1);
  host.generate(10);
  assert.equal(host.limit.limit, 1);
  host.generate(80);
  assert.ok(host.limit.limit > 1);
});

test('a number that a user gave does not fall because tokens came late, only by failures', () => {
  const host = new Host(100, { initial: 4, max: 4 }).generate(10, { innerWaitMs: 2000 });
  assert.equal(host.limit.limit, 4);
  host.limit.overloaded(host.atMs);
  assert.equal(host.limit.limit, 2);
});

test('what does not help is tried less and less often', () => {
  const host = new Host(1);
  let tries = 0;
  const tryFor = (generations: number): number => {
    const before = tries;
    for (let at = 0; at < generations; at++) {
      const was = host.limit.limit;
      if (host.generate(1).limit.limit > was) tries++;
    }
    return tries - before;
  };
  const first = tryFor(400);
  assert.ok(first > 0 && tryFor(400) < first);
});

test('a host that is busy gets 0.7 of it, once for failures of the same moment', () => {
  const limit = new AdaptiveLimit({ initial: 10, max: 10 });
  limit.overloaded(0);
  limit.overloaded(1);
  assert.equal(limit.limit, 7);
  limit.overloaded(10_000);
  assert.equal(limit.limit, 4);
  for (let atMs = 20_000; atMs < 200_000; atMs += 10_000) limit.overloaded(atMs);
  assert.equal(limit.limit, 1);
});

test('what another worker has learnt is taken over, within bounds', () => {
  const limit = new AdaptiveLimit({ initial: 1, max: 5 });
  limit.adopt(4);
  assert.equal(limit.limit, 4);
  limit.adopt(99);
  assert.equal(limit.limit, 5);
  limit.adopt(-3);
  assert.equal(limit.limit, 1);
});

test('prompts that are read far slower than usual make it fall; long ones do not', () => {
  const host = new Host(100).generate(12, { promptTokens: 1000, untilFirstMs: 1000 });
  const { limit } = host.limit;
  assert.ok(limit >= 3, `${limit}`);
  host.generate(5, { saturated: false, promptTokens: 20_000, untilFirstMs: 20_000 });
  assert.equal(host.limit.limit, limit);
  host.generate(4, { saturated: false, promptTokens: 1000, untilFirstMs: 20_000 });
  assert.ok(host.limit.limit < limit);
  const given = new Host(100, { initial: 4, max: 4 }).generate(20, { promptTokens: 1000, untilFirstMs: 1000 });
  assert.equal(given.generate(5, { promptTokens: 1000, untilFirstMs: 40_000 }).limit.limit, 4);
});
