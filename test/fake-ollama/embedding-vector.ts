/** Embeddings: the sum of one random vector per word, so that texts which share words lie close together. */
import { randomFrom, seedOf } from './seeded-random.ts';

export const EMBEDDING_DIMENSIONS = 16;

function addDirection(vector: number[], seedText: string, weight: number): void {
  const random = randomFrom(seedOf(seedText));
  for (let index = 0; index < vector.length; index++) {
    vector[index] = (vector[index] ?? 0) + weight * (random() * 2 - 1);
  }
}

/** Not normalised; the first k numbers of a longer vector are the shorter one. */
export function rawEmbedding(model: string, text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) addDirection(vector, `${model} ${word}`, 1);
  // Word order and punctuation count a little too: different texts must never have equal vectors.
  addDirection(vector, `${model}\n${text}`, 0.05);
  return vector.map(value => Math.fround(value));
}

export function normalize(vector: readonly number[]): number[] {
  const length = Math.max(Math.hypot(...vector), 1e-12);
  return vector.map(value => Math.fround(value / length));
}
