/** What can be done to an Ollama server to heal it, each as one bounded request. Owner: whoever heals. */
import { withDeadline } from '../kernel/deadline.ts';
import { DeciError } from '../kernel/errors.ts';
import { parseObject } from '../kernel/json.ts';
import { type LoadedModel, loadedModels } from './loaded-model.ts';
import { modelKey } from './model-key.ts';
import { isNoGenerator } from './no-generator.ts';
import { readRefusal } from './refusal.ts';
import { toUpstreamError, unwrapFetch } from './upstream-error.ts';
import type { UpstreamExchange } from './upstream-exchange.ts';
import type { UpstreamHost, UpstreamRequest } from './upstream-host.ts';

const lookMs = 2000;
const contextMs = 1000;
const maxAnswerBytes = 256 * 1024;
const headers = { 'content-type': 'application/json' } as const;

/** How a model stays in memory: with the context it has, or it is loaded anew, and for how long behind this request. */
interface Stays {
  readonly contextLength?: number | undefined;
  /** Negative for ever; as it is when absent. */
  readonly keepAliveSeconds?: number | undefined;
}

/**
 * - `refused`: it cannot be dialled
 * - `silent`: it lets in and says nothing, or breaks off before it has
 * - `strange`: it says something that is no answer of Ollama
 */
export type Look = 'answers' | 'silent' | 'refused' | 'strange';

export class HostCare {
  readonly name: string;
  readonly url: string;
  readonly #host: UpstreamHost;

  constructor(host: UpstreamHost) {
    this.name = host.name;
    this.url = host.url;
    this.#host = host;
  }

  /** Never rejects. */
  async look(): Promise<Look> {
    try {
      await this.#host.look(lookMs);
      return 'answers';
    } catch (thrown) {
      const { code } = toUpstreamError(unwrapFetch(thrown), false);
      if (code === 'upstream_unreachable') return 'refused';
      // What the connection did is a TypeError of fetch; all else is what was said over it.
      const isSilent = code === 'first_token_timeout' || (code === 'upstream_broken' && thrown instanceof TypeError);
      return isSilent ? 'silent' : 'strange';
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

  /** With how long each stays, by the host's own clock. @throws DeciError */
  async loadedModels(signal: AbortSignal): Promise<readonly LoadedModel[]> {
    const answer = await this.#ask({ method: 'GET', path: '/api/ps', headers: {}, body: null }, signal);
    const hostNowMs = Date.parse(String(answer.headers['date']));
    return loadedModels(parseObject(answer.text), Number.isNaN(hostNowMs) ? Date.now() : hostNowMs);
  }

  /** One token, embedded where it only embeds. @throws DeciError */
  async generateOne(model: string, signal: AbortSignal, stays?: Stays): Promise<void> {
    const contextLength = stays?.contextLength ?? (await this.contextOf(model));
    // Without other options, so that nothing is loaded anew for it.
    const body = { model, ...bodyOf({ ...stays, contextLength }, { num_predict: 1 }), prompt: '.', stream: false };
    return this.#generateOrEmbed(body, '.', signal);
  }

  /** Of a model in memory, in tokens: with another one it would be loaded anew. Undefined when that is not known. Never rejects. */
  async contextOf(model: string): Promise<number | undefined> {
    const key = modelKey(model);
    const loaded = await withDeadline(contextMs, signal => this.loadedModels(signal)).catch(() => []);
    return loaded.find(({ name }) => modelKey(name) === key)?.contextLength;
  }

  /** @throws DeciError in the words of Ollama */
  load(model: string, signal: AbortSignal, stays: Stays = {}): Promise<void> {
    return this.#generateOrEmbed({ model, ...bodyOf(stays), stream: false }, [], signal);
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
    body: { readonly model: string; readonly stream: boolean; readonly options?: object; readonly keep_alive?: number },
    input: string | readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#post('/api/generate', body, signal);
    } catch (error) {
      if (!isNoGenerator(error)) throw error;
      const { model, options, keep_alive } = body;
      await this.#post('/api/embed', { model, input, options, keep_alive }, signal);
    }
  }

  #post(path: string, body: object, signal: AbortSignal): Promise<void> {
    return this.#send({ method: 'POST', path, headers, body: JSON.stringify(body) }, signal);
  }

  /** Its deadline is the signal's: each of these takes as long as whoever heals has time. */
  async #send(request: UpstreamRequest, signal: AbortSignal): Promise<void> {
    const error = parseObject((await this.#ask(request, signal)).text)?.['error'];
    if (typeof error === 'string') throw new DeciError('upstream_failed', { message: error });
  }

  async #ask(
    request: UpstreamRequest,
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly headers: UpstreamExchange['headers'] }> {
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
    return { text: Buffer.concat(chunks).toString('utf8'), headers: exchange.headers };
  }
}

function bodyOf({ contextLength, keepAliveSeconds }: Stays, options: object = {}): object {
  const all = contextLength === undefined ? options : { ...options, num_ctx: contextLength };
  return {
    ...(Object.keys(all).length === 0 ? {} : { options: all }),
    ...(keepAliveSeconds === undefined ? {} : { keep_alive: keepAliveSeconds }),
  };
}
