import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pause } from '../kernel/pause.ts';
import { LoopSampler } from './loop-sampler.ts';

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test('a loop that is blocked is late by that, and busy for that; what was told is not told again', async () => {
  const signal = new AbortController().signal;
  const sampler = new LoopSampler(assert.ifError);
  await sampler.start();
  try {
    await pause(120, signal);
    const before = sampler.sample();
    block(400);
    await pause(120, signal);
    const behind = sampler.sample();
    assert.ok(behind.delayMs >= 340, `late by ${behind.delayMs} ms`);
    assert.ok(behind.activeMs - before.activeMs >= 390, `busy for ${behind.activeMs - before.activeMs} ms`);
    await pause(120, signal);
    assert.ok(sampler.sample().delayMs < behind.delayMs);
  } finally {
    await sampler.stop();
  }
});

test('a delay that is under way when it is asked for counts, although its timer has not fired', async () => {
  const sampler = new LoopSampler(assert.ifError);
  await sampler.start();
  try {
    sampler.sample();
    block(300);
    const { delayMs } = sampler.sample();
    assert.ok(delayMs >= 240, `late by ${delayMs} ms`);
  } finally {
    await sampler.stop();
  }
});
