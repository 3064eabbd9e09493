/**
 * A generation as Ollama sends it: whole NDJSON lines, checked as they pass. Iterating ends only behind a line with
 * `done: true`; whatever else ends the stream is thrown, after the good lines before it were given out.
 */
import { DeciError } from '../kernel/errors.ts';
import { type FinalLine, generationLines, type LineKind, NdjsonScanner } from './ndjson-scanner.ts';
import type { Attempt } from './ollama-pool.ts';
import type { UpstreamExchange } from './upstream-exchange.ts';

export interface AnswerOptions {
  readonly kind?: LineKind;
  /** How long the request waited for a slot of its host. */
  readonly queueMs?: number;
  /** Told when the line that ends the answer has been read. */
  readonly onFinal?: (final: FinalLine) => void;
}

export class NativeAnswer implements AsyncIterableIterator<Buffer> {
  /** Name of the host that answers. */
  readonly upstream: string;
  /** True when Ollama sent one JSON object instead of a stream, as it does when it only loads or unloads a model. */
  readonly single: boolean;
  readonly queueMs: number;
  readonly #exchange: UpstreamExchange;
  readonly #scanner: NdjsonScanner;
  readonly #onFinal: ((final: FinalLine) => void) | undefined;
  #failure: DeciError | undefined;

  constructor(upstream: string, exchange: UpstreamExchange, options: AnswerOptions = {}) {
    const { kind = generationLines, queueMs = 0, onFinal } = options;
    this.upstream = upstream;
    this.queueMs = queueMs;
    this.#onFinal = onFinal;
    this.#scanner = new NdjsonScanner(kind);
    this.#exchange = exchange;
    this.single = contentType(exchange).startsWith('application/json');
  }

  /** The line that ended the answer, once it has passed. */
  get final(): FinalLine | undefined {
    return this.#scanner.final;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer>> {
    while (this.#failure === undefined && this.final === undefined) {
      const read = await this.#exchange.next();
      const scanned = read.done === true ? this.#scanner.end() : this.#scanner.push(read.value);
      this.#failure = scanned.failure;
      if (scanned.failure !== undefined) this.#exchange.abort(scanned.failure);
      else if (this.final !== undefined) this.#complete(this.final);
      if (scanned.lines !== undefined) return { done: false, value: scanned.lines };
    }
    if (this.#failure !== undefined) throw this.#failure;
    return { done: true, value: undefined };
  }

  #complete(final: FinalLine): void {
    this.#exchange.discard();
    this.#onFinal?.(final);
  }

  async return(): Promise<IteratorResult<Buffer>> {
    await this.#exchange.return();
    return { done: true, value: undefined };
  }
}

/** @throws DeciError when a 200 carries something that is not a native answer, for example a proxy's HTML page */
export function nativeAnswer({ host, exchange }: Attempt, options: AnswerOptions = {}): NativeAnswer {
  const type = contentType(exchange);
  if (/^application\/(x-ndjson|json)\b/.test(type)) return new NativeAnswer(host.name, exchange, options);
  const what = type === '' ? 'no content type' : JSON.stringify(type.slice(0, 60));
  const error = new DeciError('upstream_invalid', {
    message: `the model server answered with ${what} instead of NDJSON`,
  });
  exchange.abort(error);
  throw error;
}

function contentType(exchange: UpstreamExchange): string {
  const value = exchange.headers['content-type'];
  return typeof value === 'string' ? value.toLowerCase() : '';
}
