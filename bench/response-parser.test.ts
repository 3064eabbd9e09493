import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseParser } from './response-parser.ts';

const counted = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabc\r\nd\r\nb\r\n0123456789\n\r\n0\r\n\r\n';
const empty = 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n';

function read(pieces: readonly string[]): string[] {
  const answers: string[] = [];
  let body = '';
  const parser = new ResponseParser({
    onBody: bytes => {
      body += bytes.toString('latin1');
    },
    onEnd: () => {
      answers.push(`${parser.status} ${body}`);
      body = '';
    },
  });
  for (const piece of pieces) parser.push(Buffer.from(piece));
  assert.equal(parser.inAnswer, false);
  return answers;
}

test('answers of both framings follow one another on a connection', () => {
  assert.deepEqual(read([counted + chunked + empty + counted]), [
    '200 hello',
    '200 abc\r\nd0123456789\n',
    '204 ',
    '200 hello',
  ]);
});

test('an answer may be cut anywhere', () => {
  assert.deepEqual(read(Array.from(counted + chunked + empty)), ['200 hello', '200 abc\r\nd0123456789\n', '204 ']);
});

test('an answer that has begun and not ended is known as such', () => {
  const parser = new ResponseParser({ onBody: () => undefined, onEnd: () => undefined });
  parser.push(Buffer.from(chunked.slice(0, -2)));
  assert.equal(parser.inAnswer, true);
});

test('an answer without a length is refused', () => {
  assert.throws(() => read(['HTTP/1.1 200 OK\r\n\r\n']), /without a length/);
});
