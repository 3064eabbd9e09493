import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generationLines, NdjsonScanner, progressLines, type Scanned } from './ndjson-scanner.ts';

/** The longest line that Ollama's own clients read. */
const maxLineBytes = 8 * 1024 * 1024;

const chunk = (text: string): string =>
  `{"model":"m","message":{"role":"assistant","content":${JSON.stringify(text)}},"done":false}\n`;
const final =
  '{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":3}\n';

interface Outcome {
  readonly lines: string;
  readonly final: unknown;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** What a reader of the whole stream gets: all lines, the last line, and how it failed, if it did. */
function scan(chunks: readonly Buffer[], kind = generationLines): Outcome {
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

const whole = (text: string): Outcome => scan([Buffer.from(text)]);
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** The same bytes, cut once at every place, and cut into single bytes: always the same outcome. */
function assertSameHoweverCut(bytes: Buffer, expected: Outcome): void {
  for (let at = 0; at <= bytes.length; at++) {
    assert.deepEqual(scan([bytes.subarray(0, at), bytes.subarray(at)]), expected, `cut at ${at}`);
  }
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  assert.deepEqual(scan(single), expected, 'byte by byte');
}

test('a good answer is passed on untouched, and its last line is known, however it is cut', () => {
  const text = chunk('grüße 🦙') + chunk(' \\ "quoted" \n') + final;
  const expected = { lines: latin1(text), final: JSON.parse(final) as unknown, code: undefined, message: undefined };
  assertSameHoweverCut(Buffer.from(text), expected);
});

test('an answer that ends without `done: true` is truncated, however it is cut', () => {
  const text = chunk('one') + chunk('two');
  const expected = { ...whole(text), lines: latin1(text), final: undefined, code: 'upstream_truncated' };
  assertSameHoweverCut(Buffer.from(text), expected);
});

test('half a last line is not passed on, and the answer is truncated, however it is cut', () => {
  const text = `${chunk('one')}{"model":"m","mess`;
  const expected = { ...whole(text), lines: chunk('one'), final: undefined, code: 'upstream_truncated' };
  assertSameHoweverCut(Buffer.from(text), expected);
});

test('half of the final line is no end: the answer is truncated at every byte of it', () => {
  for (let length = 0; length < final.length - 2; length++) {
    const outcome = whole(chunk('one') + final.slice(0, length));
    assert.equal(outcome.code, 'upstream_truncated', String(length));
    assert.equal(outcome.final, undefined);
    assert.equal(outcome.lines, chunk('one'));
  }
});

test('an error line ends the answer behind the good lines before it, however it is cut', () => {
  const text = `${chunk('one')}${chunk('two')}{"error":"an error was encountered while running the model"}\n${final}`;
  assertSameHoweverCut(Buffer.from(text), {
    lines: chunk('one') + chunk('two'),
    final: undefined,
    code: 'upstream_failed',
    message: 'an error was encountered while running the model',
  });
});

test('an error as the first line leaves no lines', () => {
  const outcome = whole('{"error":"out of memory"}\n');
  assert.deepEqual([outcome.lines, outcome.code, outcome.message], ['', 'upstream_failed', 'out of memory']);
});

test('an error line without a line end still says why the answer failed', () => {
  const outcome = whole(`${chunk('one')}{"error":"runner died"}`);
  assert.deepEqual([outcome.lines, outcome.code, outcome.message], [chunk('one'), 'upstream_failed', 'runner died']);
});

test('a line with an error and done together has failed', () => {
  const outcome = whole('{"error":"x","done":true}\n');
  assert.deepEqual([outcome.code, outcome.final], ['upstream_failed', undefined]);
});

test('what stands behind the end is not passed on, however it is cut', () => {
  const text = chunk('one') + final;
  const expected = { lines: text, final: JSON.parse(final) as unknown, code: undefined, message: undefined };
  assertSameHoweverCut(Buffer.from(`${text}${chunk('ghost')}{"error":"late"}\ngarbage`), expected);
});

test('nothing comes out of a scanner behind the end', () => {
  const scanner = new NdjsonScanner(generationLines);
  scanner.push(Buffer.from(final));
  assert.deepEqual(scanner.push(Buffer.from(chunk('ghost'))), { lines: undefined, failure: undefined });
  assert.deepEqual(scanner.end(), { lines: undefined, failure: undefined });
});

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

test('only the boolean true ends an answer', () => {
  for (const value of ['"true"', '1', 'null', '{}', '[true]']) {
    assert.equal(whole(`{"done":${value}}\n`).code, 'upstream_truncated', value);
  }
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

test('a last line without a line end still counts, and gets its line end', () => {
  const load = '{"model":"m","response":"","done":true,"done_reason":"load"}';
  assertSameHoweverCut(Buffer.from(load), {
    lines: `${load}\n`,
    final: JSON.parse(load) as unknown,
    code: undefined,
    message: undefined,
  });
});

test('a last chunk without a line end is passed on, but the answer is truncated', () => {
  const outcome = whole(chunk('one') + chunk('two').trimEnd());
  assert.deepEqual([outcome.lines, outcome.code], [chunk('one') + chunk('two'), 'upstream_truncated']);
});

test('a stream without a byte is truncated', () => {
  assert.equal(scan([]).code, 'upstream_truncated');
  assert.equal(scan([Buffer.alloc(0)]).code, 'upstream_truncated');
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

test('an empty error text is replaced by ours: a client that looks for a text must find one', () => {
  assert.notEqual(whole('{"error":""}\n').message, '');
});

test('progress ends with status success and nothing else', () => {
  const progress =
    '{"status":"pulling manifest"}\n{"status":"pulling abc","digest":"sha256:abc","total":10,"completed":5}\n';
  const success = '{"status":"success"}\n';
  const ended = scan([Buffer.from(progress + success)], progressLines);
  assert.deepEqual([ended.lines, ended.final, ended.code], [progress + success, { status: 'success' }, undefined]);
  assert.equal(scan([Buffer.from(progress)], progressLines).code, 'upstream_truncated');
  assert.equal(scan([Buffer.from(`${progress}{"done":true}\n`)], progressLines).code, 'upstream_truncated');
  const failed = scan(
    [Buffer.from(`${progress}{"error":"pull model manifest: file does not exist"}\n`)],
    progressLines,
  );
  assert.deepEqual([failed.lines, failed.code], [progress, 'upstream_failed']);
});

test('a success without a line end counts', () => {
  assert.deepEqual(scan([Buffer.from('{"status":"success"}')], progressLines).final, { status: 'success' });
});
