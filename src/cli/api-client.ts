/** Deci's own API for the commands: one JSON object per answer; everything else becomes an ApiFailure that names the fix. */
import { CommandFailure, exitCodes } from '../kernel/exit-codes.ts';
import { ExchangeError, exchange, type HttpAnswer, type HttpRequest } from '../kernel/http-exchange.ts';
import { type JsonObject, parseObject } from '../kernel/json.ts';
import { type Attempt, notDeci, refused, unanswered } from './api-failure.ts';
import type { Target } from './target.ts';

export interface ApiRequest {
  readonly method: HttpRequest['method'];
  /** Begins with a slash; parts that a user typed are escaped by `pathOf`. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: JsonObject;
}

const defaultTimeoutMs = 10_000;

export class ApiClient {
  readonly url: string;
  readonly #key: string | undefined;
  readonly #timeoutMs: number;

  constructor({ url, key }: Target, timeoutMs = defaultTimeoutMs) {
    this.url = url;
    this.#key = key;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @returns the object of the answer, an empty one when a success has no body
   * @throws ApiFailure, or CommandFailure when interrupted
   */
  async send(request: ApiRequest, signal: AbortSignal): Promise<JsonObject> {
    const { method, path } = request;
    const attempt: Attempt = { base: this.url, path, method, hasKey: this.#key !== undefined };
    const answer = await this.#exchange(request, attempt, signal);
    const body = answer.text.trim() === '' && isSuccess(answer) ? {} : parseObject(answer.text);
    if (body === undefined || (answer.status >= 300 && answer.status < 400)) throw notDeci(attempt, answer);
    if (!isSuccess(answer)) throw refused(attempt, answer, body);
    return body;
  }

  async #exchange(request: ApiRequest, attempt: Attempt, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, path, query = {}, body } = request;
    const url = new URL(`${this.url}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = {
      accept: 'application/json',
      ...(this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const text = body === undefined ? undefined : JSON.stringify(body);
    try {
      return await exchange({ url, method, headers, body: text, timeoutMs: this.#timeoutMs }, signal);
    } catch (error) {
      if (signal.aborted) throw interrupted(method);
      throw error instanceof ExchangeError ? unanswered(attempt, error) : error;
    }
  }
}

/** A path whose parts are whatever a user typed. */
export function pathOf(...parts: readonly string[]): string {
  return parts.map(part => `/${encodeURIComponent(part)}`).join('');
}

function interrupted(method: ApiRequest['method']): CommandFailure {
  const words = method === 'GET' ? 'Interrupted.' : 'Interrupted. It may have been done all the same.';
  return new CommandFailure(exitCodes.interrupted, words);
}

function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}
