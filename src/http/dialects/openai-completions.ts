/** `POST /v1/completions`: text completions over Ollama's native generate. */
import type { LinePlace } from '../../admission/line-entry.ts';
import type { CollectedAnswer, DeltaEvent, EndEvent, GenerationEvent, TokenLogprob } from '../../gateway/generation.ts';
import type { NativeGenerateRequest } from '../../gateway/native-request.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { StreamRenderer } from './dialect.ts';
import { renderOpenAiStreamError } from './openai-error.ts';
import { readKeepAlive, readSamplingOptions, readStreamFields, readTopLogprobs } from './openai-options.ts';
import { openAiUsage } from './openai-usage.ts';
import { asObject, optionalInteger, optionalString } from './request-fields.ts';
import { aliveComment } from './sse-comment.ts';

export interface OpenAiCompletionPlan {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly request: NativeGenerateRequest;
}

export function parseOpenAiCompletionRequest(body: unknown): OpenAiCompletionPlan {
  const fields = asObject(body);
  const model = optionalString(fields, 'model') ?? '';
  if (model === '') {
    // Not the 400 of the chat endpoint: Ollama looks the empty name up here.
    throw new DeciError('model_not_found', { message: "model '' not found", param: 'model' });
  }
  const topLogprobs = readTopLogprobs(fields, 'logprobs');
  const suffix = optionalString(fields, 'suffix') ?? '';
  const defaults = { frequency_penalty: 0, presence_penalty: 0 };
  const options = readSamplingOptions(fields, optionalInteger(fields, 'max_tokens'), defaults);
  const request: NativeGenerateRequest = {
    model,
    prompt: optionalString(fields, 'prompt') ?? '',
    stream: true,
    options: options['top_p'] === 0 ? { ...options, top_p: 1 } : options,
    ...(suffix === '' ? {} : { suffix }),
    ...(topLogprobs > 0 ? { logprobs: true, top_logprobs: topLogprobs } : {}),
    ...readKeepAlive(fields),
  };
  return { model, ...readStreamFields(fields), request };
}

export interface OpenAiCompletionOptions {
  readonly id: string;
  readonly model: string;
  readonly createdSeconds: number;
}

/** The old logprobs form of this endpoint: parallel lists, with each token's offset in the text. */
function logprobsMember(logprobs: readonly TokenLogprob[], firstOffset: number): object {
  if (logprobs.length === 0) {
    return {};
  }
  let offset = firstOffset;
  const offsets = logprobs.map(({ token }) => {
    const start = offset;
    offset += token.length;
    return start;
  });
  return {
    logprobs: {
      tokens: logprobs.map(({ token }) => token),
      token_logprobs: logprobs.map(({ logprob }) => logprob),
      top_logprobs: logprobs.map(({ top_logprobs: top = [] }) =>
        Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
      ),
      text_offset: offsets,
    },
  };
}

export class OpenAiCompletionRenderer implements StreamRenderer {
  readonly contentType = 'text/event-stream';
  readonly #includeUsage: boolean;
  readonly #head: string;
  readonly #choicesPrefix: string;
  readonly #modelMembers: string;
  readonly #chunkTail: string;
  #textLength = 0;

  constructor(options: OpenAiCompletionOptions & { readonly includeUsage: boolean }) {
    const head = { id: options.id, object: 'text_completion', created: options.createdSeconds };
    this.#includeUsage = options.includeUsage;
    this.#head = `data: ${JSON.stringify(head).slice(0, -1)},"choices":`;
    this.#choicesPrefix = `${this.#head}[{"text":`;
    this.#modelMembers = `,"model":${JSON.stringify(options.model)},"system_fingerprint":"fp_ollama"`;
    // Ollama puts a usage of zeros into every chunk once the client asks for usage.
    const zeros = options.includeUsage ? `,"usage":${JSON.stringify(openAiUsage([]))}` : '';
    this.#chunkTail = `}]${this.#modelMembers}${zeros}}\n\n`;
  }

  render(events: readonly GenerationEvent[]): string {
    let bytes = '';
    for (const event of events) {
      bytes += event.type === 'delta' ? this.#delta(event) : this.#end(event);
    }
    return bytes;
  }

  heartbeat(line?: LinePlace): string {
    return aliveComment(line);
  }

  fail(error: DeciError, requestId: string): string {
    return renderOpenAiStreamError(error, requestId);
  }

  #delta({ text, logprobs }: DeltaEvent): string {
    if (text === '' && logprobs.length === 0) {
      return '';
    }
    const start = this.#textLength;
    this.#textLength += text.length;
    const more = logprobs.length === 0 ? '' : `,${JSON.stringify(logprobsMember(logprobs, start)).slice(1, -1)}`;
    return `${this.#choicesPrefix}${JSON.stringify(text)},"index":0,"finish_reason":null${more}${this.#chunkTail}`;
  }

  #end({ reason, usage }: EndEvent): string {
    const finish = JSON.stringify(reason === '' ? 'stop' : reason);
    const last = `${this.#choicesPrefix}"","index":0,"finish_reason":${finish}${this.#chunkTail}`;
    const totals = `${this.#head}[]${this.#modelMembers},"usage":${JSON.stringify(openAiUsage([usage]))}}\n\n`;
    return `${last}${this.#includeUsage ? totals : ''}data: [DONE]\n\n`;
  }
}

export function renderOpenAiCompletion(options: OpenAiCompletionOptions, answer: CollectedAnswer): object {
  return {
    id: options.id,
    object: 'text_completion',
    created: options.createdSeconds,
    model: options.model,
    system_fingerprint: 'fp_ollama',
    choices: [
      {
        text: answer.text,
        index: 0,
        finish_reason: answer.reason === '' ? 'stop' : answer.reason,
        ...logprobsMember(answer.logprobs, 0),
      },
    ],
    usage: openAiUsage([answer.usage]),
  };
}
