/** The request fields that OpenAI's chat and text completions share, as Ollama's options. */
import {
  invalidField,
  type JsonObject,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
  optionalObject,
  optionalStringOrArray,
} from './request-fields.ts';

type Options = Readonly<Record<string, unknown>>;

function withoutUndefined(object: Options): Options {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/**
 * The fields of the dialect win over the extension `options`, which wins over `defaults`: OpenAI's defaults differ from
 * those of Ollama, but a client that sets an option by its native name means it.
 */
export function readSamplingOptions(body: JsonObject, maxTokens: number | undefined, defaults: Options): Options {
  const explicit = withoutUndefined({
    stop: optionalStringOrArray(body, 'stop'),
    num_predict: maxTokens,
    temperature: optionalNumber(body, 'temperature'),
    seed: optionalInteger(body, 'seed'),
    frequency_penalty: optionalNumber(body, 'frequency_penalty'),
    presence_penalty: optionalNumber(body, 'presence_penalty'),
    top_p: optionalNumber(body, 'top_p'),
  });
  return { temperature: 1, top_p: 1, ...defaults, ...optionalObject(body, 'options'), ...explicit };
}

/** The options that are there because the dialect has other defaults, and not because the client said them. */
export function impliedOptions(body: JsonObject): readonly string[] {
  const native = body['options'];
  const said: JsonObject = typeof native === 'object' && native !== null ? (native as JsonObject) : {};
  return ['temperature', 'top_p'].filter(name => (body[name] ?? said[name] ?? undefined) === undefined);
}

/** Extension: how long the model stays loaded, in the words of Ollama. */
export function readKeepAlive(body: JsonObject): { readonly keep_alive?: string | number } {
  const value = body['keep_alive'];
  if (value === undefined || value === null) {
    return {};
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw invalidField('keep_alive', 'keep_alive must be a number of seconds or a duration such as "10m"');
  }
  return { keep_alive: value };
}

export function readTopLogprobs(body: JsonObject, field: 'top_logprobs' | 'logprobs'): number {
  const count = optionalInteger(body, field) ?? 0;
  if (count < 0 || count > 20) {
    throw invalidField(field, 'top_logprobs must be between 0 and 20');
  }
  return count;
}

interface StreamFields {
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

export function readStreamFields(body: JsonObject): StreamFields {
  const streamOptions = optionalObject(body, 'stream_options') ?? {};
  const includeUsage = optionalBoolean(streamOptions, 'include_usage', 'stream_options.include_usage');
  return { stream: optionalBoolean(body, 'stream') ?? false, includeUsage: includeUsage ?? false };
}
