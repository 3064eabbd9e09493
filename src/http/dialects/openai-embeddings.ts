/** `POST /v1/embeddings` over Ollama's native embed. */
import { DeciError } from '../../kernel/errors.ts';
import { parseObject } from '../../kernel/json.ts';
import {
  asObject,
  invalidField,
  type JsonObject,
  optionalInteger,
  optionalString,
  requiredModel,
} from './request-fields.ts';

type EncodingFormat = 'float' | 'base64';

export interface NativeEmbedRequest {
  readonly model: string;
  readonly input: readonly string[];
  readonly dimensions?: number;
}

export interface OpenAiEmbeddingPlan {
  readonly model: string;
  readonly encodingFormat: EncodingFormat;
  readonly request: NativeEmbedRequest;
}

export interface EmbeddingAnswer {
  readonly model: string;
  readonly embeddings: readonly (readonly number[])[];
  readonly promptTokens: number;
}

function readEncodingFormat(body: JsonObject): EncodingFormat {
  const given = optionalString(body, 'encoding_format') ?? '';
  const format = given === '' ? 'float' : given.toLowerCase();
  if (format !== 'float' && format !== 'base64') {
    const text = `Invalid value for 'encoding_format' = ${given}. Supported values: ['float', 'base64'].`;
    throw invalidField('encoding_format', text);
  }
  return format;
}

function readInput(value: unknown): readonly string[] {
  if (typeof value === 'string') {
    return [value];
  }
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) {
    throw invalidField('input', 'invalid input');
  }
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string')) {
    throw invalidField('input', 'invalid input type');
  }
  return value;
}

export function parseOpenAiEmbeddingRequest(body: unknown): OpenAiEmbeddingPlan {
  const fields = asObject(body);
  const encodingFormat = readEncodingFormat(fields);
  const input = readInput(fields['input']);
  const model = requiredModel(fields);
  const dimensions = optionalInteger(fields, 'dimensions') ?? 0;
  return { model, encodingFormat, request: { model, input, ...(dimensions === 0 ? {} : { dimensions }) } };
}

/** @throws DeciError `upstream_invalid` for a native answer without vectors */
export function readEmbedded(answer: Buffer): Omit<EmbeddingAnswer, 'model'> {
  const { embeddings, prompt_eval_count: count } = parseObject(answer.toString()) ?? {};
  const promptTokens = count ?? 0;
  if (!isVectors(embeddings) || !isFiniteNumber(promptTokens)) {
    throw new DeciError('upstream_invalid', { message: 'the model server answered without embeddings' });
  }
  return { embeddings, promptTokens };
}

function isVectors(value: unknown): value is number[][] {
  return Array.isArray(value) && value.every(row => Array.isArray(row) && row.every(isFiniteNumber));
}

/** JSON's 1e999 is a number too. */
function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function float32Base64(values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes.toString('base64');
}

export function renderOpenAiEmbeddings(answer: EmbeddingAnswer, encodingFormat: EncodingFormat): object {
  return {
    object: 'list',
    data: answer.embeddings.map((embedding, index) => ({
      object: 'embedding',
      embedding: encodingFormat === 'base64' ? float32Base64(embedding) : embedding,
      index,
    })),
    model: answer.model,
    usage: { prompt_tokens: answer.promptTokens, total_tokens: answer.promptTokens },
  };
}
