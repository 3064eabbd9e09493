/** One HTTP request with a deadline over all of it and a bound on the answer; redirects are answers like any other. */
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';

export interface HttpRequest {
  readonly url: URL;
  /** Instead of the host of the URL, which then only names itself. */
  readonly socketPath?: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** No whole answer came. */
export class ExchangeError extends Error {
  /** The system's own code, or `TIMEOUT` or `TOO_LARGE`. */
  readonly code: string;
  /** Whether the other side may have got the request. */
  readonly sent: boolean;

  constructor(code: string, sent: boolean, message: string) {
    super(message);
    this.name = 'ExchangeError';
    this.code = code;
    this.sent = sent;
  }
}

const maxAnswerBytes = 32 * 1024 * 1024;

/** @throws ExchangeError */
export async function exchange(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer> {
  const { url, socketPath, method, headers, body, timeoutMs } = request;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  let connected = false;
  const fail = (code: string, message: string): void => {
    reject(new ExchangeError(code, connected, message));
    req.destroy();
  };
  const onError = (error: NodeJS.ErrnoException): void => fail(error.code ?? 'UNKNOWN', error.message);
  // Not AbortSignal.timeout: it would let the process end while it waits.
  const timer = setTimeout(() => fail('TIMEOUT', `no answer within ${timeoutMs / 1000} s`), timeoutMs);
  const send = url.protocol === 'https:' ? requestTls : requestPlain;
  const req = send(url, { ...(socketPath && { socketPath }), method, headers, agent: false, signal }, res => {
    const parts: Buffer[] = [];
    let bytes = 0;
    res.on('data', (part: Buffer) => {
      bytes += part.length;
      parts.push(part);
      if (bytes > maxAnswerBytes) fail('TOO_LARGE', 'the answer is too large');
    });
    res.once('error', onError).once('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      resolve({ status: res.statusCode ?? 0, contentType: res.headers['content-type'] ?? '', text });
    });
  });
  req.once('socket', socket => {
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      connected = true;
    });
  });
  req.on('error', onError).end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    req.destroy();
  }
}
