/** How an answer ends: well, with an error, or not at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSameHoweverCut, chunk, final, latin1, scan, whole } from '../../test/support/scanned-lines.ts';
import { generationLines, NdjsonScanner, progressLines } from './ndjson-scanner.ts';

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

test('only the boolean true ends an answer', () => {
  for (const value of ['"true"', '1', 'null', '{}', '[true]']) {
    assert.equal(whole(`{"done":${value}}\n`).code, 'upstream_truncated', value);
  }
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

test('an empty error text is replaced by ours: a client that looks for a text must find one', () => {
  assert.notEqual(whole('{"error":""}\n').message, '');
});
