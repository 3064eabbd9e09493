/**
 * A generation that another process of this machine passes on, over its UNIX socket, in the words in which it came from Ollama: read,
 * checked and bounded like one from a host.
 */
import { Client } from 'undici';
import { DeciError } from '../kernel/errors.ts';
import { NativeAnswer } from './native-answer.ts';
import { type ExchangeLimits, UpstreamExchange } from './upstream-exchange.ts';

export interface NativeSocketRequest {
  readonly socketPath: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** To a socket of this machine. */
const connectMs = 1000;
const upstreamHeader = 'x-deci-upstream';

/** @throws DeciError when there is no such process or no such generation, or the signal's reason */
export async function openNativeSocket(
  { socketPath, path, headers }: NativeSocketRequest,
  limits: ExchangeLimits,
  signal: AbortSignal,
): Promise<NativeAnswer> {
  const client = new Client('http://localhost', {
    socketPath,
    connect: { timeout: connectMs },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const exchange = new UpstreamExchange(limits, signal, () => void client.destroy());
  client.dispatch({ method: 'GET', path, headers: { ...headers } }, exchange);
  await exchange.opened();
  const upstream = exchange.headers[upstreamHeader];
  if (exchange.status === 200 && typeof upstream === 'string') return new NativeAnswer(upstream, exchange);
  const error = new DeciError('not_found', { message: 'the other process makes no such answer' });
  exchange.abort(error);
  throw error;
}
