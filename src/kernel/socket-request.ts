/**
 * One question to another process of ours on its private socket. A socket that lies (another program, half an answer, no
 * answer) is a failure like any other.
 */
import { exchange, type HttpAnswer, type HttpRequest } from './http-exchange.ts';

export interface SocketRequest extends Pick<HttpRequest, 'method' | 'timeoutMs'> {
  readonly socketPath: string;
  readonly path: string;
  readonly body?: string;
}

/** @throws ExchangeError when nobody listens, when the answer is cut, too large or not HTTP, and when the time is over */
export function askSocket({ socketPath, path, body, ...request }: SocketRequest): Promise<HttpAnswer> {
  return exchange({ ...request, url: new URL(path, 'http://localhost'), socketPath, headers: {}, body });
}
