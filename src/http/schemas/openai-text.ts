/** /v1/completions and /v1/audio/transcriptions: text that continues a text, and text that was spoken. */
import { z } from 'zod';
import { openAiStreamError } from './errors.ts';
import { keepAlive, optional, options } from './fields.ts';
import { openAiAnswerHead, openAiSampling, openAiStreaming, openAiUsage } from './openai-fields.ts';
import type { Operations } from './operation.ts';

const completionRequest = z
  .looseObject({
    model: z.string().min(1),
    prompt: optional(z.string()),
    suffix: optional(z.string()),
    ...openAiSampling,
    ...openAiStreaming,
    logprobs: optional(z.int().min(0).max(20)),
    keep_alive: optional(keepAlive),
    options: optional(options),
  })
  .meta({ id: 'OpenAiCompletionRequest' });

const textLogprobs = z.looseObject({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number()),
  top_logprobs: z.array(z.record(z.string(), z.number())),
  text_offset: z.array(z.int()),
});

const choice = { index: z.int(), text: z.string(), logprobs: textLogprobs.optional() };

const completion = z
  .looseObject({
    ...openAiAnswerHead,
    object: z.literal('text_completion'),
    choices: z.array(z.looseObject({ ...choice, finish_reason: z.string() })).length(1),
    usage: openAiUsage,
  })
  .meta({ id: 'OpenAiCompletion' });

const completionChunk = z
  .looseObject({
    ...openAiAnswerHead,
    object: z.literal('text_completion'),
    choices: z.array(z.looseObject({ ...choice, finish_reason: z.string().nullable() })),
    usage: openAiUsage.optional(),
  })
  .meta({ id: 'OpenAiCompletionChunk' });
const completionEvent = z.union([completionChunk, openAiStreamError]).meta({ id: 'OpenAiCompletionEvent' });

const transcriptionForm = z
  .looseObject({
    file: z.string().meta({ contentMediaType: 'application/octet-stream', description: 'The recording.' }),
    model: z.string().min(1).describe('A model that understands audio.'),
    language: z.string().optional(),
    prompt: z.string().optional().describe('What is known about the recording.'),
    response_format: z.enum(['', 'json', 'text', 'verbose_json']).optional(),
    temperature: z.union([z.number(), z.string()]).optional(),
    stream: z.literal('false').optional(),
  })
  .meta({ id: 'TranscriptionForm', description: 'The whole form may have 25 MB.' });

const transcription = z
  .looseObject({
    text: z.string(),
    task: z.literal('transcribe').optional().describe('With `verbose_json`.'),
    language: z.string().optional().describe('With `verbose_json`.'),
    usage: z.looseObject({
      type: z.literal('tokens'),
      input_tokens: z.int(),
      output_tokens: z.int(),
      total_tokens: z.int(),
    }),
  })
  .meta({ id: 'Transcription' });
const transcriptionText = z.string().meta({ id: 'TranscriptionText' });

const file = 'RIFF....WAVEfmt ';

export const openAiText: Operations = {
  'POST /v1/completions': {
    summary: 'Complete a prompt',
    tags: ['OpenAI'],
    request: {
      schema: completionRequest,
      examples: {
        whole: { model: 'llama3.2', prompt: 'The sky is' },
        stream: { model: 'llama3.2', prompt: 'The sky is', stream: true },
        insert: { model: 'codellama', prompt: 'def f(', suffix: '  return 1', max_tokens: 20 },
      },
    },
    responses: {
      200: {
        description: 'One object; with `stream: true` one object an event, and `[DONE]` as the last.',
        content: { 'application/json': completion, 'text/event-stream': completionEvent },
      },
    },
  },
  'POST /v1/audio/transcriptions': {
    summary: 'Write down what is spoken',
    tags: ['OpenAI'],
    request: {
      contentType: 'multipart/form-data',
      schema: transcriptionForm,
      examples: {
        json: { model: 'llava', language: 'de', file },
        text: { model: 'llava', response_format: 'text', file },
      },
    },
    responses: {
      200: {
        description: 'The words, as JSON or, with `response_format: text`, as they are.',
        content: { 'application/json': transcription, 'text/plain': transcriptionText },
      },
    },
  },
};
