import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMultipart } from './multipart.ts';

function form(...lines: string[]): Buffer {
  return Buffer.from(lines.join('\r\n'), 'utf8');
}

const plain = 'multipart/form-data; boundary=x';

test('fields and files are read, also those that clients really send', async () => {
  const data = new FormData();
  data.append('model', 'wörter');
  data.append('file', new Blob([Buffer.from([0, 13, 10, 45, 45, 255])], { type: 'audio/wav' }), 'a "b".wav');
  const request = new Request('http://localhost/', { method: 'POST', body: data });
  const body = Buffer.from(await request.arrayBuffer());
  const [model, file] = parseMultipart(body, request.headers.get('content-type') ?? undefined);
  assert.deepEqual([model?.name, model?.filename, model?.data.toString()], ['model', undefined, 'wörter']);
  assert.deepEqual([file?.filename, file?.contentType], ['a "b".wav', 'audio/wav']);
  assert.deepEqual([...(file?.data ?? [])], [0, 13, 10, 45, 45, 255]);
});

test('a preamble, padding, unquoted names, an epilogue and a quoted boundary are allowed', () => {
  const body = form('before', '--a b  ', 'CONTENT-Disposition: form-data; name=n', '', 'v', '--a b--', 'after');
  const parts = parseMultipart(body, 'Multipart/Form-Data; charset=utf-8; boundary="a b"');
  assert.deepEqual(
    parts.map(part => [part.name, part.data.toString()]),
    [['n', 'v']],
  );
});

test('an empty value and an empty form are read', () => {
  const empty = form('--x', 'Content-Disposition: form-data; name="n"', '', '', '--x--', '');
  assert.equal(parseMultipart(empty, plain)[0]?.data.length, 0);
  assert.deepEqual(parseMultipart(form('--x--'), plain), []);
});

test('the name is not taken from the filename', () => {
  const body = form('--x', 'Content-Disposition: form-data; filename="f"; name="n"', '', 'v', '--x--');
  assert.equal(parseMultipart(body, plain)[0]?.name, 'n');
});

test('a form that is no form is refused with a reason', () => {
  const head = 'Content-Disposition: form-data; name="n"';
  const cases: [Buffer, string | undefined, RegExp][] = [
    [form('--x--'), undefined, /Content-Type/],
    [form('--x--'), 'application/json', /Content-Type/],
    [form('--x--'), 'multipart/form-data', /boundary/],
    [form('--x--'), `multipart/form-data; boundary=${'y'.repeat(71)}`, /boundary/],
    [form('nothing'), plain, /first boundary/],
    [form('--x', head, '', 'cut of'), plain, /closing boundary/],
    [form('--xy', head, '', 'v', '--x--'), plain, /end of its line/],
    [form('--x', head, '--x--'), plain, /headers/],
    [form('--x', 'Content-Type: text/plain', '', 'v', '--x--'), plain, /no name/],
    [form('--x', `${head}; pad="${'p'.repeat(9000)}"`, '', 'v', '--x--'), plain, /too long/],
    [form(...Array.from({ length: 65 }, () => ['--x', head, '', 'v']).flat(), '--x--'), plain, /more than 64/],
  ];
  for (const [body, contentType, message] of cases) {
    assert.throws(() => parseMultipart(body, contentType), message);
  }
});
