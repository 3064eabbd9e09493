/** What can be done to an Ollama server to heal it, each as one bounded request. Owner: whoever heals. */
import { DeciError } from '../kernel/errors.ts';
import { parseObject } from '../kernel/json.ts';
import { isNoGenerator } from './no-generator.ts';
import { readRefusal } from './refusal.ts';
import { toUpstreamError } from './upstream-error.ts';
import type { UpstreamHost, UpstreamRequest } from './upstream-host.ts';

const lookMs = 2000;
const maxAnswerBytes = 256 * 1024;
const headers = { 'content-type': 'application/json' } as const;

export class HostCare {
  readonly name: string;
  readonly url: string;
  readonly #host: UpstreamHost;

  constructor(host: UpstreamHost) {
    this.name = host.name;
    this.url = host.url;
    this.#host = host;
  }

  /** Never rejects. `refused` is also what breaks off or answers something else. */
  async look(): Promise<'answers' | 'silent' | 'refused'> {
    try {
      await this.#host.look(lookMs);
      return 'answers';
    } catch (thrown) {
      const cause: unknown = thrown instanceof TypeError ? (thrown.cause ?? thrown) : thrown;
      return toUpstreamError(cause, false).code === 'first_token_timeout' ? 'silent' : 'refused';
    }
  }

  /** Names of the models it has in memory. @throws what the npm client throws */
  async loaded(): Promise<readonly string[]> {
    return (await this.#host.client.ps()).models.map(({ name }) => name);
  }

  /** Names of the models it has on its disk. @throws what the npm client throws */
  async listed(): Promise<readonly string[]> {
    return (await this.#host.client.list()).models.map(({ name }) => name);
  }

  /** One token, embedded where it only embeds. @throws DeciError */
  generateOne(model: string, signal: AbortSignal): Promise<void> {
    // Without options of its own, so that nothing is loaded anew for it.
    const body = { model, prompt: '.', options: { num_predict: 1 }, stream: false };
    return this.#generateOrEmbed(body, '.', signal);
  }

  /** @throws DeciError in the words of Ollama */
  load(model: string, signal: AbortSignal): Promise<void> {
    return this.#generateOrEmbed({ model, stream: false }, [], signal);
  }

  /** As soon as nobody uses it; does not wait for that. @throws DeciError */
  unload(model: string, signal: AbortSignal): Promise<void> {
    return this.#post('/api/generate', { model, keep_alive: 0, stream: false }, signal);
  }

  /** @throws DeciError */
  pull(model: string, signal: AbortSignal): Promise<void> {
    return this.#post('/api/pull', { model, stream: false }, signal);
  }

  /** @throws DeciError */
  remove(model: string, signal: AbortSignal): Promise<void> {
    return this.#send({ method: 'DELETE', path: '/api/delete', headers, body: JSON.stringify({ model }) }, signal);
  }

  stop(): Promise<void> {
    return this.#host.stop();
  }

  async #generateOrEmbed(
    body: { readonly model: string; readonly stream: boolean },
    input: string | readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#post('/api/generate', body, signal);
    } catch (error) {
      if (!isNoGenerator(error)) throw error;
      await this.#post('/api/embed', { model: body.model, input }, signal);
    }
  }

  #post(path: string, body: object, signal: AbortSignal): Promise<void> {
    return this.#send({ method: 'POST', path, headers, body: JSON.stringify(body) }, signal);
  }

  /** Its deadline is the signal's: each of these takes as long as whoever heals has time. */
  async #send(request: UpstreamRequest, signal: AbortSignal): Promise<void> {
    const longestMs = 24 * 3600_000;
    const limits = { firstMs: longestMs, stallMs: longestMs, totalMs: longestMs };
    const exchange = this.#host.send(request, limits, signal);
    await exchange.opened();
    if (exchange.status >= 300) throw await readRefusal(exchange);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of exchange) {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) throw new DeciError('upstream_invalid');
      chunks.push(chunk);
    }
    const error = parseObject(Buffer.concat(chunks).toString('utf8'))?.['error'];
    if (typeof error === 'string') throw new DeciError('upstream_failed', { message: error });
  }
}
