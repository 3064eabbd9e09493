import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedAnswer } from '../../gateway/generation.ts';
import { emptyUsage } from '../../gateway/generation.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { TranscriptionPlan } from './transcription.ts';
import { maxTranscriptionBytes, parseTranscriptionRequest, renderTranscription } from './transcription.ts';

async function parse(fields: Record<string, string | Blob>): Promise<TranscriptionPlan> {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    data.append(name, value);
  }
  const request = new Request('http://localhost/', { method: 'POST', body: data });
  const body = Buffer.from(await request.arrayBuffer());
  return parseTranscriptionRequest(body, request.headers.get('content-type') ?? undefined);
}

const file = new Blob(['sound'], { type: 'audio/wav' });
const answer: CollectedAnswer = {
  text: ' Hello. \n',
  thinking: '',
  toolCalls: [],
  logprobs: [],
  reason: 'stop',
  usage: { ...emptyUsage, promptTokens: 30, outputTokens: 3 },
};

test('the recording goes where images go, with a system prompt before it', async () => {
  const plan = await parse({ model: 'm', file, language: 'de', prompt: 'a call' });
  assert.equal(plan.responseFormat, 'json');
  assert.equal(plan.request.model, 'm');
  assert.deepEqual(plan.request.options, { temperature: 0 });
  const [system, user] = plan.request.messages;
  assert.match(system?.content ?? '', /de\. .*a call$/);
  assert.deepEqual(user?.images, [Buffer.from('sound').toString('base64')]);
});

test('the answer is trimmed and told in the format that was asked for', async () => {
  const json = renderTranscription(await parse({ model: 'm', file }), answer);
  const usage = { type: 'tokens', input_tokens: 30, output_tokens: 3, total_tokens: 33 };
  assert.deepEqual(JSON.parse(json.body), { text: 'Hello.', usage });
  const text = renderTranscription(await parse({ model: 'm', file, response_format: 'text' }), answer);
  assert.deepEqual(text, { contentType: 'text/plain; charset=utf-8', body: 'Hello.' });
  const verbose = renderTranscription(
    await parse({ model: 'm', file, response_format: 'verbose_json', language: 'de' }),
    answer,
  );
  assert.deepEqual(JSON.parse(verbose.body), { task: 'transcribe', language: 'de', text: 'Hello.', usage });
});

test('what is missing or wrong is named', async () => {
  const cases: [Record<string, string | Blob>, string][] = [
    [{ file }, 'model'],
    [{ model: 'm' }, 'file'],
    [{ model: 'm', file: 'no file' }, 'file'],
    [{ model: 'm', file: new Blob([]) }, 'file'],
    [{ model: 'm', file, response_format: 'srt' }, 'response_format'],
    [{ model: 'm', file, temperature: 'warm' }, 'temperature'],
    [{ model: 'm', file, stream: 'true' }, 'stream'],
  ];
  for (const [fields, param] of cases) {
    await assert.rejects(parse(fields), (error: unknown) => error instanceof DeciError && error.param === param, param);
  }
});

test('a form beyond the limit is refused as too large', () => {
  assert.throws(
    () => parseTranscriptionRequest(Buffer.alloc(maxTranscriptionBytes + 1), 'multipart/form-data; boundary=x'),
    (error: unknown) => error instanceof DeciError && error.status === 413,
  );
});
