/** What is a line, and what may stand in one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSameHoweverCut, chunk, final, maxLineBytes, scan, whole } from '../../test/support/scanned-lines.ts';
import { generationLines, NdjsonScanner } from './ndjson-scanner.ts';

test('words in the content are no keys', () => {
  for (const words of [
    '"done":true',
    '"done":false',
    '"done": true',
    '{"done":true}',
    '"error":"no"',
    '\\"done":true',
    '\\',
  ]) {
    const outcome = whole(chunk(words) + chunk(words) + final);
    assert.equal(outcome.code, undefined, words);
    assert.equal(outcome.lines, chunk(words) + chunk(words) + final, words);
    assert.equal((outcome.final as { eval_count: number }).eval_count, 3);
    assert.equal(whole(chunk(words)).code, 'upstream_truncated', words);
  }
});

test('members of a tool call named like our keys neither end an answer nor hide its end', () => {
  for (const args of [
    '{"done":true}',
    '{"done":false}',
    '{"error":"x"}',
    '{"error":"x","done":true}',
    '{"a":[{"done":false}]}',
  ]) {
    const call = `{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":${args}}}]},`;
    const unfinished = `${call}"done":false}\n`;
    assert.deepEqual(whole(unfinished).code, 'upstream_truncated', args);
    assert.equal(whole(unfinished).lines, unfinished, args);
    const ended = whole(`${call}"done":true}\n`);
    assert.equal(ended.code, undefined, args);
    assert.notEqual(ended.final, undefined, args);
    assert.notEqual(whole(`{"done":true,${call.slice(1, -1)}}\n`).final, undefined, args);
  }
});

test('a key with an escaped quote before "done" is not taken for the key', () => {
  const line = '{"message":{"tool_calls":[{"function":{"arguments":{"x\\"done":false}}}]},"done":true}\n';
  assert.notEqual(whole(line).final, undefined);
});

test('spaces inside the JSON change nothing', () => {
  const spaced = '{"message": {"content": "a"}, "done": false}\n{"message": {"content": ""}, "done": true}\n';
  assertSameHoweverCut(Buffer.from(spaced), {
    lines: spaced,
    final: { message: { content: '' }, done: true },
    code: undefined,
    message: undefined,
  });
});

test('CR before the line end is part of the line', () => {
  const text = (chunk('a') + final).replaceAll('\n', '\r\n');
  const outcome = whole(text);
  assert.deepEqual([outcome.lines, outcome.code], [text, undefined]);
});

test('a blank line is not an answer of Ollama, and clients fail on it', () => {
  for (const blank of ['\n', ' \n', '\r\n']) {
    const outcome = whole(chunk('one') + blank + final);
    assert.deepEqual([outcome.lines, outcome.code], [chunk('one'), 'upstream_invalid'], JSON.stringify(blank));
  }
});

test('a line that is not a JSON object ends the answer behind the good lines before it', () => {
  for (const line of [
    'garbage',
    '<html>',
    '[]',
    'null',
    '"done":true',
    '{"done":true',
    '{"message":{"content":"a"}',
    ': ping',
    'data: {}',
  ]) {
    const outcome = whole(`${chunk('one')}${line}\n${final}`);
    assert.deepEqual([outcome.lines, outcome.code], [chunk('one'), 'upstream_invalid'], line);
  }
});

test('a line cut in the middle that still looks like a chunk is not passed on', () => {
  const outcome = whole(`${chunk('one')}{"model":"m","done":false,"message":{"con\n${final}`);
  assert.deepEqual([outcome.lines, outcome.code], [chunk('one'), 'upstream_invalid']);
});

test('bytes that are not UTF-8 pass untouched', () => {
  const bytes = Buffer.concat([
    Buffer.from('{"message":{"content":"'),
    Buffer.from([0xff, 0xc3, 0x28, 0xe2, 0x82]),
    Buffer.from(`"},"done":false}\n${final}`),
  ]);
  assertSameHoweverCut(bytes, {
    lines: bytes.toString('latin1'),
    final: JSON.parse(final) as unknown,
    code: undefined,
    message: undefined,
  });
});

test('nothing is given out before its line is complete', () => {
  const scanner = new NdjsonScanner(generationLines);
  const bytes = Buffer.from(chunk('a'));
  assert.equal(scanner.push(bytes.subarray(0, -1)).lines, undefined);
  assert.equal(scanner.push(bytes.subarray(-1)).lines?.toString(), chunk('a'));
});

test('whole lines of one chunk come out as one block, without a copy', () => {
  const scanner = new NdjsonScanner(generationLines);
  const bytes = Buffer.from(`${chunk('a')}${chunk('b')}{"mod`);
  const { lines } = scanner.push(bytes);
  assert.equal(lines?.toString(), chunk('a') + chunk('b'));
  assert.equal(lines?.buffer, bytes.buffer);
});

test('a line of 8 MB passes, one byte more does not, in one chunk or in many', () => {
  const lineOf = (bytes: number): Buffer => {
    const empty = chunk('').length;
    return Buffer.from(chunk('x'.repeat(bytes - empty)));
  };
  for (const [bytes, code] of [
    [maxLineBytes, 'upstream_truncated'],
    [maxLineBytes + 1, 'upstream_invalid'],
  ] as const) {
    const line = lineOf(bytes);
    assert.equal(line.length, bytes);
    const parts = Array.from({ length: Math.ceil(bytes / 1_000_000) }, (_, i) =>
      line.subarray(i * 1_000_000, (i + 1) * 1_000_000),
    );
    assert.equal(scan([line]).code, code);
    assert.equal(scan(parts).code, code);
  }
});

test('a line that never ends fails at 8 MB, not when memory ends', () => {
  const scanner = new NdjsonScanner(generationLines);
  const part = Buffer.alloc(1024 * 1024, 'x');
  let pushes = 0;
  while (scanner.push(part).failure === undefined) pushes++;
  assert.equal(pushes, 8);
});

test('good lines before a line that is too long are passed on', () => {
  const outcome = scan([Buffer.from(chunk('one') + 'x'.repeat(maxLineBytes + 1))]);
  assert.deepEqual([outcome.lines, outcome.code], [chunk('one'), 'upstream_invalid']);
});
