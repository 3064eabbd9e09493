/** Lines of an answer, and what the scanner makes of them, for tests of it. */
import assert from 'node:assert/strict';
import { generationLines, NdjsonScanner, type Scanned } from '../../src/ollama/ndjson-scanner.ts';

/** The longest line that Ollama's own clients read. */
export const maxLineBytes = 8 * 1024 * 1024;

export const chunk = (text: string): string =>
  `{"model":"m","message":{"role":"assistant","content":${JSON.stringify(text)}},"done":false}\n`;
export const final =
  '{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":3}\n';

export interface Outcome {
  readonly lines: string;
  readonly final: unknown;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** What a reader of the whole stream gets: all lines, the last line, and how it failed, if it did. */
export function scan(chunks: readonly Buffer[], kind = generationLines): Outcome {
  const scanner = new NdjsonScanner(kind);
  const lines: Buffer[] = [];
  let failure: Scanned['failure'];
  const take = (scanned: Scanned): void => {
    if (scanned.lines !== undefined) lines.push(scanned.lines);
    failure = scanned.failure;
  };
  for (const part of chunks) {
    if (failure === undefined && scanner.final === undefined) take(scanner.push(part));
  }
  if (failure === undefined && scanner.final === undefined) take(scanner.end());
  return {
    lines: Buffer.concat(lines).toString('latin1'),
    final: scanner.final,
    code: failure?.code,
    message: failure?.message,
  };
}

export const whole = (text: string): Outcome => scan([Buffer.from(text)]);
export const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** The same bytes, cut once at every place, and cut into single bytes: always the same outcome. */
export function assertSameHoweverCut(bytes: Buffer, expected: Outcome): void {
  for (let at = 0; at <= bytes.length; at++) {
    assert.deepEqual(scan([bytes.subarray(0, at), bytes.subarray(at)]), expected, `cut at ${at}`);
  }
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  assert.deepEqual(scan(single), expected, 'byte by byte');
}
