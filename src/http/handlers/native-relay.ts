/**
 * Routes that are Ollama's business alone: show, copy, delete, blobs, account. Request and response pass through as they
 * are, with back-pressure both ways and flat memory, whatever their size.
 */
import { pipeline } from 'node:stream/promises';
import type { Hosts } from '../../gateway/pipeline.ts';
import { DeciError, toDeciError } from '../../kernel/errors.ts';
import { firstThatHas } from '../../ollama/first-that-has.ts';
import type { Attempt } from '../../ollama/ollama-pool.ts';
import type { ExchangeLimits } from '../../ollama/upstream-exchange.ts';
import type { UpstreamHost, UpstreamRequest } from '../../ollama/upstream-host.ts';
import type { RequestContext } from '../request-context.ts';
import { sendEmpty } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { noteUpstream } from './generation-support.ts';

/** What the relays need of the hosts: what a generation needs, and one place for what must be found again. */
export interface RelayHosts extends Hosts {
  /** One and the same host for blobs, and for the models made of them. */
  home(): UpstreamHost;
}

export interface RelayDeps {
  readonly hosts: RelayHosts;
  readonly limits: ExchangeLimits;
  /** Whether its breaker says to leave a host alone. */
  readonly isLeftAlone?: (host: string) => boolean;
}

/** `any` host that has the model may answer; `home` is asked where it matters which one does. */
export function relay(scope: 'any' | 'home', { hosts, limits, isLeftAlone = () => false }: RelayDeps): Handler {
  return async context => {
    context.invite();
    const request = upstreamRequest(context);
    const open = (left: readonly UpstreamHost[]): Promise<Attempt> =>
      hosts.open(request, withProgress(context, limits), context.signal, left);
    const candidates = scope === 'home' ? [hosts.home()] : hosts.candidates().filter(({ name }) => !isLeftAlone(name));
    if (candidates.length === 0) throw new DeciError('upstream_resting');
    // An answer to HEAD has no words, whatever its status.
    const bodiless = context.req.method === 'HEAD';
    const { host, exchange } = bodiless ? await open(candidates) : await firstThatHas(candidates, open);
    noteUpstream(context, host.name);
    if (bodiless) sendEmpty(context, exchange.status);
    else await passOn(context, exchange);
  };
}

/** An upload of many gigabytes is not waiting for an answer while its bytes still move. */
function withProgress({ req, route }: RequestContext, limits: ExchangeLimits): ExchangeLimits {
  // Taken now: a request that was read to its end and destroyed has no socket any more.
  const { socket } = req;
  return route?.body === 'stream' ? { ...limits, sentBytes: () => socket.bytesRead } : limits;
}

export function upstreamRequest({ req, route, body, pathAndQuery }: RequestContext): UpstreamRequest {
  const headers: Record<string, string> = {};
  // Only what Ollama reads: credentials and origins of our clients are none of its business.
  for (const name of ['content-type', 'content-length', 'user-agent', 'accept'] as const) {
    const value = req.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  const streamed = route?.body === 'stream';
  if (!streamed) delete headers['content-length'];
  return {
    method: req.method as UpstreamRequest['method'],
    path: pathAndQuery,
    headers,
    // Not the request itself: whoever is given a stream destroys it when done, and with it the socket of our answer.
    body: streamed ? req.iterator({ destroyOnReturn: false }) : body.length > 0 ? body : null,
  };
}

async function passOn(context: RequestContext, exchange: Attempt['exchange']): Promise<void> {
  const { res, headers } = context;
  const type = exchange.headers['content-type'];
  const length = exchange.headers['content-length'];
  res.writeHead(exchange.status, [
    ...headers,
    ...(typeof type === 'string' ? ['Content-Type', type] : []),
    ...(typeof length === 'string' ? ['Content-Length', length] : []),
  ]);
  try {
    await pipeline(exchange, res);
  } catch (error) {
    context.outcome = toDeciError(error).code;
    res.destroy();
  }
}
