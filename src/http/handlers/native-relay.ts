/**
 * Routes that are Ollama's business alone: show, copy, delete, blobs, account. Request and response pass through as they
 * are, with back-pressure both ways and flat memory, whatever their size.
 */
import { pipeline } from 'node:stream/promises';
import { DeciError, toDeciError } from '../../kernel/errors.ts';
import type { Attempt } from '../../ollama/ollama-pool.ts';
import { readRefusal } from '../../ollama/refusal.ts';
import type { ExchangeLimits } from '../../ollama/upstream-exchange.ts';
import type { UpstreamHost, UpstreamRequest } from '../../ollama/upstream-host.ts';
import type { RequestContext } from '../request-context.ts';
import { sendEmpty } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { noteUpstream } from './generation-support.ts';

export interface RelayDeps {
  readonly hosts: {
    readonly hosts: readonly UpstreamHost[];
    open(
      request: UpstreamRequest,
      limits: ExchangeLimits,
      signal: AbortSignal,
      candidates: readonly UpstreamHost[],
    ): Promise<Attempt>;
  };
  readonly limits: ExchangeLimits;
}

/** `all`: any host that has the model may answer. `home`: one and the same host, so that what was uploaded is found again. */
export function relay(scope: 'all' | 'home', { hosts, limits }: RelayDeps): Handler {
  return async context => {
    const request = upstreamRequest(context);
    let candidates = managementHosts(hosts.hosts, scope);
    let refusal: DeciError | undefined;
    while (candidates.length > 0) {
      const { host, exchange } = await hosts.open(request, withProgress(context, limits), context.signal, candidates);
      noteUpstream(context, host.name);
      if (exchange.status < 300) return await passOn(context, exchange);
      if (context.req.method === 'HEAD') return sendEmpty(context, exchange.status);
      refusal = await readRefusal(exchange);
      if (refusal.code !== 'model_not_found') throw refusal;
      candidates = candidates.slice(candidates.indexOf(host) + 1);
    }
    throw refusal ?? new DeciError('upstream_unreachable');
  };
}

/** An upload of many gigabytes is not waiting for an answer while its bytes still move. */
function withProgress({ req, route }: RequestContext, limits: ExchangeLimits): ExchangeLimits {
  // Taken now: a request that was read to its end and destroyed has no socket any more.
  const { socket } = req;
  return route?.body === 'stream' ? { ...limits, sentBytes: () => socket.bytesRead } : limits;
}

/** In the order of the configuration, so that every worker and every request means the same host. */
export function managementHosts(hosts: readonly UpstreamHost[], scope: 'all' | 'home'): UpstreamHost[] {
  const reachable = hosts.filter(host => host.state.is !== 'down');
  const ordered = reachable.length > 0 ? reachable : [...hosts];
  return scope === 'home' ? ordered.slice(0, 1) : ordered;
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
    body: streamed ? req : body.length > 0 ? body : null,
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
