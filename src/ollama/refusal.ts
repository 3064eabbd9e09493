/** An error response of Ollama as an error of ours, with its own words and status, so that clients that match on them still do. */
import { DeciError } from '../kernel/errors.ts';
import { parseObject } from '../kernel/json.ts';
import type { UpstreamExchange } from './upstream-exchange.ts';

const maxRefusalBytes = 64 * 1024;

export async function readRefusal(exchange: UpstreamExchange): Promise<DeciError> {
  const { status } = exchange;
  const body = parseObject(await readText(exchange));
  const text = body?.['error'];
  if (typeof text === 'string') {
    const { error: _, ...extra } = body ?? {};
    return new DeciError(status === 404 && /not found/.test(text) ? 'model_not_found' : 'upstream_refused', {
      message: text,
      status,
      extra,
    });
  }
  // Not Ollama's way to refuse: something else answers at that address, and its pages are nothing for our clients.
  return new DeciError('upstream_invalid', { message: `the model server answered ${status} without a reason` });
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
