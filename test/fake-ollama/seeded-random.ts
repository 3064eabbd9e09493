/** Deterministic pseudo-random numbers: equal texts give equal sequences, different texts different ones. */
import { hash } from 'node:crypto';

export function seedOf(text: string): number {
  return Number.parseInt(hash('sha1', text).slice(0, 8), 16);
}

/** mulberry32: small, fast and good enough to pick words; returns numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomPick<T>(values: readonly T[], random: () => number): T | undefined {
  return values[Math.floor(random() * values.length)];
}
