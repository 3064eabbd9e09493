/** The faults of the fake Ollama as the tests make them. */
import type { Fault, FaultName } from '../fake-ollama/faults.ts';

/** How a fault is made, where its bare name would take too long or too much. */
export const details: Partial<Record<FaultName, Partial<Fault>>> = {
  slow: { ms: 30 },
  'cold-load': { ms: 10 },
  'huge-line': { bytes: 300_000 },
  'never-newline': { bytes: 2_000_000 },
  'header-bomb': { bytes: 300_000 },
  status: { status: 500, kind: 'json', message: 'CUDA error' },
};
/** What only changes how an answer travels, or adds to its text. */
export const harmless: ReadonlySet<FaultName> = new Set([
  'ok',
  'slow',
  'drip',
  'cold-load',
  'huge-line',
  'invalid-utf8',
  'split-utf8',
]);
