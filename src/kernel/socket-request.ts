/**
 * One question to another process of ours on its private socket, with a deadline over all of it and a bound on the answer.
 * A socket that lies (another program, half an answer, no answer) is a failure like any other.
 */
import { request } from 'node:http';

export interface SocketRequest {
  readonly socketPath: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: string;
  /** Over connecting, sending and the whole answer. */
  readonly timeoutMs: number;
}

export interface SocketAnswer {
  readonly status: number;
  readonly text: string;
}

const maxAnswerBytes = 8 * 1024 * 1024;

/** @throws when nobody listens, when the answer is cut, too large or not HTTP, and when the time is over */
export async function askSocket({ socketPath, method, path, body, timeoutMs }: SocketRequest): Promise<SocketAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SocketAnswer>();
  // Not AbortSignal.timeout: it would let a process that only waits for this answer end before it came.
  const timer = setTimeout(() => req.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const req = request({ socketPath, method, path, agent: false }, res => {
    let text = '';
    res.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.length > maxAnswerBytes) req.destroy(new Error('the answer is too large'));
    });
    res.once('error', reject).once('end', () => resolve({ status: res.statusCode ?? 0, text }));
  });
  req.once('error', reject).end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    req.destroy();
  }
}
