/** Blobs: hashed as they stream in, never kept, so that an upload of many gigabytes costs no memory. */
import { createHash } from 'node:crypto';
import type { Exchange } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import { WireError } from './wire-error.ts';

function digestOf(exchange: Exchange): string {
  if (!/^sha256[:-][0-9a-fA-F]{64}$/.test(exchange.parameter)) throw new WireError(400, 'invalid digest format');
  return exchange.parameter.replace('-', ':');
}

export function handleHeadBlob(server: FakeServer, exchange: Exchange): void {
  const digest = digestOf(exchange);
  if (!server.blobs.has(digest)) throw new WireError(404, `blob ${JSON.stringify(exchange.parameter)} not found`);
  exchange.empty(200);
}

export async function handlePostBlob(server: FakeServer, exchange: Exchange): Promise<void> {
  const expected = digestOf(exchange);
  if (server.blobs.has(expected)) {
    exchange.request.resume();
    return exchange.empty(200);
  }
  const sum = createHash('sha256');
  let bytes = 0;
  try {
    for await (const piece of exchange.request as AsyncIterable<Buffer>) {
      sum.update(piece);
      bytes += piece.length;
    }
  } catch {
    return; // The client broke off; there is nobody to answer.
  } finally {
    exchange.record.bodyBytes = bytes;
  }
  const got = `sha256:${sum.digest('hex')}`;
  if (got !== expected) {
    throw new WireError(
      400,
      `digest mismatch, expected ${JSON.stringify(exchange.parameter)}, got ${JSON.stringify(got)}`,
    );
  }
  server.blobs.add(expected);
  exchange.empty(201);
}
