/** What the last line of an answer counts. */
import type { FinalLine } from '../ollama/ndjson-scanner.ts';

/** @returns 0 when it is not said, or nothing that can be counted */
export function countOf(final: FinalLine, field: string): number {
  const value = final[field];
  return typeof value === 'number' && value > 0 ? value : 0;
}

const nsPerMs = 1e6;

/** Of a duration, which Ollama gives in ns. */
export function msOf(final: FinalLine, field: string): number {
  return countOf(final, field) / nsPerMs;
}
