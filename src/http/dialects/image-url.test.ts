import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanBase64, imageFromUrl } from './image-url.ts';

test('data URLs of the known image types give their base64 text', () => {
  for (const type of ['image/jpeg', 'image/jpg', 'image/png', 'image/webp', '']) {
    assert.equal(imageFromUrl(`data:${type};base64,AAECAw==`, 'p'), 'AAECAw==');
  }
});

test('remote images are refused in the words of Ollama', () => {
  for (const url of ['http://x/y.png', 'https://x/y.png']) {
    assert.throws(() => imageFromUrl(url, 'p'), {
      status: 400,
      param: 'p',
      message: 'image URLs are not currently supported, please use base64 encoded data instead',
    });
  }
});

test('other types and broken base64 are invalid images', () => {
  for (const url of [
    'data:image/gif;base64,AAAA',
    'AAAA',
    '',
    'data:image/png;base64,AAA',
    'data:image/png;base64,A*AA',
  ]) {
    assert.throws(() => imageFromUrl(url, 'p'), { status: 400, message: 'invalid image input' });
  }
});

test('line breaks inside base64 are removed', () => {
  assert.equal(cleanBase64('AAEC\r\nAw==\n'), 'AAECAw==');
  assert.equal(cleanBase64('A=AA'), undefined);
});
