/** An error response of Ollama as an error of ours, with its own words and status, so that clients that match on them still do. */
import { DeciError } from '../kernel/errors.ts';
import { parseObject } from '../kernel/json.ts';
import type { UpstreamExchange } from './upstream-exchange.ts';

const maxRefusalBytes = 64 * 1024;
const wrongOption = /^option ".*" must be of /s;

export async function readRefusal(exchange: UpstreamExchange): Promise<DeciError> {
  const { status } = exchange;
  const body = parseObject(await readText(exchange));
  const text = body?.['error'];
  if (typeof text !== 'string' || status < 400 || status > 599) {
    // Not Ollama's way to refuse: something else answers at that address, and its pages are nothing for our clients.
    return new DeciError('upstream_invalid', { message: `the model server answered ${status} without a reason` });
  }
  const signInUrl = body?.['signin_url'];
  return new DeciError(status === 404 && /not found/.test(text) ? 'model_not_found' : 'upstream_refused', {
    message: text,
    // Ollama answers 500 to an option of the wrong type, which is no fault of the server.
    status: status === 500 && wrongOption.test(text) ? 400 : status,
    retryAfterMs: retryAfterMs(exchange.headers['retry-after']),
    // The one more member that Ollama sends and clients read; everything else in such a body is not ours to repeat.
    ...(typeof signInUrl === 'string' ? { extra: { signin_url: signInUrl } } : {}),
  });
}

/** Seconds only: Ollama sends none, and what stands before it sends seconds. */
function retryAfterMs(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}

async function readText(exchange: UpstreamExchange): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of exchange) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxRefusalBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
