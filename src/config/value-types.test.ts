import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  commaList,
  duration,
  integer,
  listenHost,
  ollamaHost,
  oneOf,
  size,
  upstreamUrls,
  wordOr,
} from './value-types.ts';

test('an integer is whole, decimal and within its bounds', () => {
  const type = integer(1, 65_535);
  assert.equal(type.parse('1'), 1);
  assert.equal(type.parse('65535'), 65_535);
  for (const text of ['0', '65536', '-1', '3.5', '1e3', '0x10', '+5', '', ' ', 'abc', '9'.repeat(40)]) {
    assert.equal(type.parse(text), undefined, text);
  }
  assert.equal(integer(-5, 5).parse('-3'), -3);
});

test('a duration needs its unit, in any case, and may have a fraction', () => {
  const type = duration(1, 86_400_000);
  const expected = { '500ms': 500, '2s': 2000, '1.5s': 1500, '30m': 1_800_000, '1h': 3_600_000, '1D': 86_400_000 };
  for (const [text, ms] of Object.entries(expected)) assert.equal(type.parse(text), ms, text);
  assert.equal(type.parse('20 s'), 20_000);
  for (const text of ['20', 's', '-1s', '1w', '1s2s', '1h30m', 'constructor', '1constructor', '']) {
    assert.equal(type.parse(text), undefined, text);
  }
});

test('a duration outside its bounds is refused', () => {
  const type = duration(100, 1000);
  assert.equal(type.parse('99ms'), undefined);
  assert.equal(type.parse('100ms'), 100);
  assert.equal(type.parse('1s'), 1000);
  assert.equal(type.parse('1001ms'), undefined);
});

test('a size needs its unit and is more than nothing', () => {
  assert.equal(size.parse('64kb'), 65_536);
  assert.equal(size.parse('1MB'), 1_048_576);
  assert.equal(size.parse('1.5gb'), 1_610_612_736);
  for (const text of ['64', '0mb', '-1mb', '1tb', 'mb', '1__proto__', ''])
    assert.equal(size.parse(text), undefined, text);
});

test('one of several words, in any case', () => {
  const type = oneOf('auto', 'off');
  assert.equal(type.parse('OFF'), 'off');
  assert.equal(type.parse('on'), undefined);
  assert.equal(type.expected, 'auto | off');
});

test('a word or a value of the other type', () => {
  const type = wordOr('max', integer(1, 64));
  assert.equal(type.parse('Max'), 'max');
  assert.equal(type.parse('8'), 8);
  assert.equal(type.parse('min'), undefined);
  assert.equal(type.expected, 'max, or a whole number from 1 to 64');
});

test('a comma list drops what is empty', () => {
  assert.deepEqual(commaList.parse(' a, ,b,'), ['a', 'b']);
  assert.deepEqual(commaList.parse(','), []);
});

test('upstream URLs keep scheme, port and prefix, without a slash at the end', () => {
  assert.deepEqual(upstreamUrls.parse('http://a:11434/, https://b/ollama/ ,http://[::1]:1'), [
    { url: 'http://a:11434' },
    { url: 'https://b/ollama' },
    { url: 'http://[::1]:1' },
  ]);
});

test('#slots and #weight set the limits of one host and are no part of its URL', () => {
  assert.deepEqual(upstreamUrls.parse('http://a:1#slots=4&weight=2,http://b:1#weight=3,http://c:1/#slots=1'), [
    { url: 'http://a:1', slots: 4, weight: 2 },
    { url: 'http://b:1', weight: 3 },
    { url: 'http://c:1', slots: 1 },
  ]);
});

test('one wrong upstream URL refuses the list', () => {
  for (const text of [
    'a:11434',
    'localhost',
    'ftp://a',
    'http://',
    'http://a:99999',
    'http://a?x=1',
    'http://a#slots=0',
    'http://a#slots=4097',
    'http://a#slots=4.5',
    'http://a#slots=',
    'http://a#weight=101',
    'http://a#slot=4',
    'http://a#fast',
  ]) {
    assert.equal(upstreamUrls.parse(text), undefined, text);
    assert.equal(upstreamUrls.parse(`http://good:1,${text}`), undefined, text);
  }
  assert.equal(upstreamUrls.parse(','), undefined);
});

test('an upstream URL with credentials is refused: nothing would send them, and every log would show them', () => {
  assert.equal(upstreamUrls.parse('http://admin:hunter2@gpu:11434'), undefined);
  assert.equal(ollamaHost.parse('http://admin:hunter2@gpu:11434'), undefined);
});

test('OLLAMA_HOST may be a host, a host and port, or a URL', () => {
  const urlOf = (text: string): string | undefined => ollamaHost.parse(text)?.[0]?.url;
  assert.equal(urlOf('gpu-box'), 'http://gpu-box:11434');
  assert.equal(urlOf('gpu-box:8080'), 'http://gpu-box:8080');
  assert.equal(urlOf('10.0.0.5'), 'http://10.0.0.5:11434');
  assert.equal(urlOf('[::1]'), 'http://[::1]:11434');
  assert.equal(urlOf('[::1]:8080'), 'http://[::1]:8080');
  assert.equal(urlOf('gpu-box:80'), 'http://gpu-box');
  assert.equal(urlOf('http://gpu-box'), 'http://gpu-box', 'a scheme brings its own port, as with Ollama');
  assert.equal(urlOf('https://gpu-box/ollama/'), 'https://gpu-box/ollama');
  assert.equal(urlOf('gpu-box/ollama'), 'http://gpu-box:11434/ollama');
});

test('OLLAMA_HOST that means every address means this machine', () => {
  const urlOf = (text: string): string | undefined => ollamaHost.parse(text)?.[0]?.url;
  assert.equal(urlOf('0.0.0.0'), 'http://127.0.0.1:11434');
  assert.equal(urlOf('0.0.0.0:8080'), 'http://127.0.0.1:8080');
  assert.equal(urlOf('http://0.0.0.0:8080'), 'http://127.0.0.1:8080');
  assert.equal(urlOf('[::]:8080'), 'http://127.0.0.1:8080');
});

test('OLLAMA_HOST that names no host is refused', () => {
  for (const text of ['unix:///run/ollama.sock', 'http://', 'gpu-box:99999', 'a b']) {
    assert.equal(ollamaHost.parse(text), undefined, text);
  }
});

test('OLLAMA_HOST takes the forms that Ollama itself takes on the same machine', () => {
  const urlOf = (text: string): string | undefined => ollamaHost.parse(text)?.[0]?.url;
  assert.equal(urlOf(':8080'), 'http://127.0.0.1:8080');
  assert.equal(urlOf('::1'), 'http://[::1]:11434');
  assert.equal(urlOf('::'), 'http://127.0.0.1:11434');
  assert.equal(urlOf('"0.0.0.0"'), 'http://127.0.0.1:11434');
});

test('a duration out of range is told with the range, and with examples inside it', () => {
  assert.equal(duration(100, 86_400_000).expected, 'a duration from 100ms to 1d such as 500ms, 20s, 30m or 1h');
  assert.equal(duration(10, 600_000).expected, 'a duration from 10ms to 10m such as 500ms or 20s');
  assert.equal(duration(1, 2).expected, 'a duration from 1ms to 2ms');
});

test('an address to listen on may have the brackets of a URL, and nothing else of one', () => {
  assert.equal(listenHost.parse('[::1]'), '::1');
  assert.equal(listenHost.parse('::1'), '::1');
  assert.equal(listenHost.parse('box.example'), 'box.example');
  for (const text of ['http://127.0.0.1', '[::1', '[::1]:3001', 'a b']) assert.equal(listenHost.parse(text), undefined);
});
