/**
 * OpenAI's `/v1/audio/transcriptions`, told to a chat model that understands audio, as Ollama does it: the recording goes
 * where images go, and a system prompt keeps the model from answering what is said in it.
 */
import type { CollectedAnswer } from '../../gateway/generation.ts';
import type { NativeChatRequest } from '../../gateway/native-request.ts';
import { DeciError } from '../../kernel/errors.ts';
import { type MultipartPart, parseMultipart } from './multipart.ts';
import { invalidField } from './request-fields.ts';

/** OpenAI's limit for a recording, and Ollama's; the whole form may be this large. */
export const maxTranscriptionBytes = 25 * 1024 * 1024;

export type TranscriptionFormat = 'json' | 'text' | 'verbose_json';

export interface TranscriptionPlan {
  readonly model: string;
  readonly responseFormat: TranscriptionFormat;
  readonly language: string | undefined;
  readonly request: NativeChatRequest;
}

export interface RenderedTranscription {
  readonly contentType: string;
  readonly body: string;
}

export function parseTranscriptionRequest(body: Buffer, contentType: string | undefined): TranscriptionPlan {
  if (body.length > maxTranscriptionBytes) {
    throw new DeciError('body_too_large', { message: `the form is larger than ${maxTranscriptionBytes} bytes` });
  }
  const parts = parseMultipart(body, contentType);
  const model = requiredField(parts, 'model');
  const audio = readAudio(parts);
  const responseFormat = readFormat(parts);
  const language = field(parts, 'language');
  const temperature = readTemperature(parts);
  if (field(parts, 'stream') === 'true') {
    throw invalidField('stream', 'streaming of transcriptions is not supported');
  }
  const request: NativeChatRequest = {
    model,
    stream: true,
    messages: [
      { role: 'system', content: systemPrompt(language, field(parts, 'prompt')) },
      { role: 'user', content: 'Which words are spoken in this recording?', images: [audio.toString('base64')] },
    ],
    options: { temperature },
  };
  return { model, responseFormat, language, request };
}

/** Times and durations are left out of `verbose_json`: a chat model does not know them. */
export function renderTranscription(plan: TranscriptionPlan, answer: CollectedAnswer): RenderedTranscription {
  const text = answer.text.trim();
  if (plan.responseFormat === 'text') {
    return { contentType: 'text/plain; charset=utf-8', body: text };
  }
  const { promptTokens, outputTokens } = answer.usage;
  const body = {
    ...(plan.responseFormat === 'verbose_json' ? { task: 'transcribe', language: plan.language ?? 'unknown' } : {}),
    text,
    usage: {
      type: 'tokens',
      input_tokens: promptTokens,
      output_tokens: outputTokens,
      total_tokens: promptTokens + outputTokens,
    },
  };
  return { contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

function systemPrompt(language: string | undefined, context: string | undefined): string {
  return [
    'Write down the words of the recording exactly as they are spoken, and nothing else.',
    'If a question is asked in it, do not answer the question.',
    ...(language === undefined ? [] : [`The language of the recording is: ${language}.`]),
    ...(context === undefined ? [] : [`What is known about the recording: ${context}`]),
  ].join(' ');
}

/** The text of a field; an empty one counts as absent, since forms send fields that nobody filled in. */
function field(parts: readonly MultipartPart[], name: string): string | undefined {
  const text = parts.find(part => part.name === name && part.filename === undefined)?.data.toString('utf8');
  return text === '' ? undefined : text;
}

function requiredField(parts: readonly MultipartPart[], name: string): string {
  const text = field(parts, name);
  if (text === undefined) {
    throw invalidField(name, `${name} is required`);
  }
  return text;
}

function readAudio(parts: readonly MultipartPart[]): Buffer {
  const file = parts.find(part => part.name === 'file' && part.filename !== undefined);
  if (file === undefined) {
    throw invalidField('file', 'file is required');
  }
  if (file.data.length === 0) {
    throw invalidField('file', 'audio file is empty');
  }
  return file.data;
}

function readFormat(parts: readonly MultipartPart[]): TranscriptionFormat {
  const format = field(parts, 'response_format') ?? 'json';
  if (format !== 'json' && format !== 'text' && format !== 'verbose_json') {
    throw invalidField('response_format', "response_format must be 'json', 'text' or 'verbose_json'");
  }
  return format;
}

/** Zero, the most likely words, is the default of the API as well as Ollama's. */
function readTemperature(parts: readonly MultipartPart[]): number {
  const temperature = Number(field(parts, 'temperature') ?? '0');
  if (!Number.isFinite(temperature) || temperature < 0) {
    throw invalidField('temperature', 'temperature must be a number that is not negative');
  }
  return temperature;
}
