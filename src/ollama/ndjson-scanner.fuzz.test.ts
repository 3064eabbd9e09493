/** The scanner against the plain way to do its work: split, parse every line, look at it. Seeded, so that a failure repeats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generationLines, NdjsonScanner } from './ndjson-scanner.ts';

interface Outcome {
  readonly lines: string;
  readonly final: unknown;
  readonly code: string | undefined;
}

function plainly(text: string): Outcome {
  let lines = '';
  const rows = text.split('\n');
  const last = rows.pop() ?? '';
  for (const row of rows) {
    const value = parse(row);
    if (value === undefined) return { lines, final: undefined, code: 'upstream_invalid' };
    if (typeof value['error'] === 'string') return { lines, final: undefined, code: 'upstream_failed' };
    lines += `${row}\n`;
    if (value['done'] === true) return { lines, final: value, code: undefined };
  }
  const value = parse(last);
  if (value === undefined) return { lines, final: undefined, code: 'upstream_truncated' };
  if (typeof value['error'] === 'string') return { lines, final: undefined, code: 'upstream_failed' };
  lines += `${last}\n`;
  if (value['done'] === true) return { lines, final: value, code: undefined };
  return { lines, final: undefined, code: 'upstream_truncated' };
}

function parse(row: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(row);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function scanned(text: string, cuts: readonly number[]): Outcome {
  const bytes = Buffer.from(text);
  const scanner = new NdjsonScanner(generationLines);
  const parts: Buffer[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    const { lines, failure } = scanner.push(bytes.subarray(from, to));
    if (lines !== undefined) parts.push(lines);
    if (failure !== undefined) return { lines: Buffer.concat(parts).toString(), final: undefined, code: failure.code };
    from = to;
  }
  if (scanner.final === undefined) {
    const { lines, failure } = scanner.end();
    if (lines !== undefined) parts.push(lines);
    return { lines: Buffer.concat(parts).toString(), final: scanner.final, code: failure?.code };
  }
  return { lines: Buffer.concat(parts).toString(), final: scanner.final, code: undefined };
}

/** mulberry32 (Tommy Ettinger, public domain). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const words = [
  'a',
  'ü🦙',
  '"done":true',
  ',"done":false}',
  '{"error":"x"}',
  '\n',
  '\\',
  '"',
  '',
  '}',
  ',"done":false}\n',
];
const names = ['done', 'error', 'model', 'message', 'x"done', ',"done', 'a'];

function anyValue(random: (below: number) => number, depth: number): unknown {
  const kind = random(depth > 2 ? 4 : 6);
  if (kind === 0) return true;
  if (kind === 1) return false;
  if (kind < 4) return words[random(words.length)];
  if (kind === 4) return Array.from({ length: random(3) }, () => anyValue(random, depth + 1));
  return object(random, depth + 1);
}

function object(random: (below: number) => number, depth: number): object {
  return Object.fromEntries(
    Array.from({ length: random(4) }, () => [names[random(names.length)], anyValue(random, depth)]),
  );
}

function line(random: (below: number) => number): string {
  const content = words[random(words.length)];
  const kind = random(12);
  if (kind < 6)
    return JSON.stringify({ model: 'm', message: { role: 'assistant', content, ...object(random, 1) }, done: false });
  if (kind === 6) return JSON.stringify({ message: { content }, done: true, done_reason: 'stop' });
  if (kind === 7) return JSON.stringify({ error: content === '' ? 'x' : content });
  if (kind === 8) return JSON.stringify({ ...object(random, 0), done: false });
  if (kind === 9) return JSON.stringify(object(random, 0), null, ' ').replaceAll('\n', '');
  if (kind === 10) return ['', '[]', 'null', 'x', '{"done":'][random(5)] ?? '';
  return JSON.stringify({ a: object(random, 0), done: random(2) === 0 });
}

test('any stream, cut anywhere, comes out as it would from parsing every line', () => {
  for (let seed = 1; seed <= 4000; seed++) {
    const random = seeded(seed);
    let text = Array.from({ length: 1 + random(6) }, () => `${line(random)}\n`).join('');
    if (random(3) === 0) text = text.slice(0, random(text.length));
    const { length } = Buffer.from(text);
    const cuts = Array.from({ length: random(4) }, () => random(length + 1)).sort((a, b) => a - b);
    const expected = plainly(Buffer.from(text).toString());
    assert.deepEqual(scanned(text, cuts), expected, `seed ${seed}: ${JSON.stringify(text)} cut at ${cuts.join()}`);
  }
});
