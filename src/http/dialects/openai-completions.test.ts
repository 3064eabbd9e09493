import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CollectedAnswer, type DeltaEvent, type EndEvent, emptyUsage } from '../../gateway/generation.ts';
import { DeciError } from '../../kernel/errors.ts';
import {
  OpenAiCompletionRenderer,
  parseOpenAiCompletionRequest,
  renderOpenAiCompletion,
} from './openai-completions.ts';

const options = { id: 'cmpl-1', model: 'm', createdSeconds: 7 };
const usage = { ...emptyUsage, promptTokens: 4, outputTokens: 2 };
const end: EndEvent = { type: 'end', reason: 'stop', usage };
const head = '"id":"cmpl-1","object":"text_completion","created":7,"choices":';
const model = '"model":"m","system_fingerprint":"fp_ollama"';
const logprob = { token: 'ab', logprob: -1, top_logprobs: [{ token: 'ab', logprob: -1 }] };

function delta(part: Partial<DeltaEvent>): DeltaEvent {
  return { type: 'delta', text: '', thinking: '', toolCalls: [], logprobs: [], ...part };
}

test('a request becomes a native generate with the defaults of the endpoint', () => {
  assert.deepEqual(parseOpenAiCompletionRequest({ model: 'm', prompt: 'p' }), {
    model: 'm',
    stream: false,
    includeUsage: false,
    request: {
      model: 'm',
      prompt: 'p',
      stream: true,
      options: { temperature: 1, top_p: 1, frequency_penalty: 0, presence_penalty: 0 },
    },
  });
});

test('suffix, logprobs, limits and stream fields are honoured', () => {
  const body = { model: 'm', prompt: 'p', suffix: 's', logprobs: 2, max_tokens: 3, top_p: 0, stream: true };
  const plan = parseOpenAiCompletionRequest({ ...body, stream_options: { include_usage: true } });
  assert.equal(plan.stream, true);
  assert.equal(plan.includeUsage, true);
  assert.equal(plan.request.suffix, 's');
  assert.equal(plan.request.logprobs, true);
  assert.equal(plan.request.top_logprobs, 2);
  assert.equal(plan.request.options?.['num_predict'], 3);
  assert.equal(plan.request.options?.['top_p'], 1);
});

test('only a string is a prompt and a model is needed', () => {
  for (const prompt of [['a'], [1, 2], 3]) {
    assert.throws(() => parseOpenAiCompletionRequest({ model: 'm', prompt }), { status: 400, param: 'prompt' });
  }
  assert.throws(() => parseOpenAiCompletionRequest({ prompt: 'p' }), { status: 404, message: "model '' not found" });
});

test('a streamed answer is text chunks, a finish chunk and the end', () => {
  const renderer = new OpenAiCompletionRenderer({ ...options, includeUsage: false });
  const bytes = renderer.render([delta({ text: 'a"b' }), delta({ thinking: 'unseen' }), end]);
  assert.equal(
    bytes,
    `data: {${head}[{"text":"a\\"b","index":0,"finish_reason":null}],${model}}\n\n` +
      `data: {${head}[{"text":"","index":0,"finish_reason":"stop"}],${model}}\n\n` +
      'data: [DONE]\n\n',
  );
});

test('with usage asked for, chunks have a usage of zeros and the last one the counts', () => {
  const renderer = new OpenAiCompletionRenderer({ ...options, includeUsage: true });
  const counts = (prompt: number, completion: number) =>
    `"usage":{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}}`;
  assert.equal(
    renderer.render([delta({ text: 'a' }), end]),
    `data: {${head}[{"text":"a","index":0,"finish_reason":null}],${model},${counts(0, 0)}}\n\n` +
      `data: {${head}[{"text":"","index":0,"finish_reason":"stop"}],${model},${counts(0, 0)}}\n\n` +
      `data: {${head}[],${model},${counts(4, 2)}}\n\n` +
      'data: [DONE]\n\n',
  );
});

test('logprobs are parallel lists whose offsets run on through the stream', () => {
  const renderer = new OpenAiCompletionRenderer({ ...options, includeUsage: false });
  renderer.render([delta({ text: 'xyz' })]);
  const bytes = renderer.render([delta({ text: 'ab', logprobs: [logprob] })]);
  const chunk = JSON.parse(bytes.slice(6)) as { choices: { logprobs: object }[] };
  assert.deepEqual(chunk.choices[0]?.logprobs, {
    tokens: ['ab'],
    token_logprobs: [-1],
    top_logprobs: [{ ab: -1 }],
    text_offset: [3],
  });
});

test('a failure is an error event without an end', () => {
  const renderer = new OpenAiCompletionRenderer({ ...options, includeUsage: false });
  assert.match(renderer.fail(new DeciError('stall_timeout'), 'r'), /^data: \{"error":\{.*\}\}\n\n$/);
  assert.equal(renderer.heartbeat(), ': ping\n\n');
});

test('a whole answer is one choice', () => {
  const logprobs = [logprob, { token: 'c', logprob: -2 }];
  const answer: CollectedAnswer = { text: 'abc', thinking: '', toolCalls: [], logprobs, reason: 'length', usage };
  assert.deepEqual(renderOpenAiCompletion(options, answer), {
    id: 'cmpl-1',
    object: 'text_completion',
    created: 7,
    model: 'm',
    system_fingerprint: 'fp_ollama',
    choices: [
      {
        text: 'abc',
        index: 0,
        finish_reason: 'length',
        logprobs: {
          tokens: ['ab', 'c'],
          token_logprobs: [-1, -2],
          top_logprobs: [{ ab: -1 }, {}],
          text_offset: [0, 2],
        },
      },
    ],
    usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
  });
});
