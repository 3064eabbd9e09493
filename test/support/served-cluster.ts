/** A cluster as its clients and its files show it, for tests of what is kept. */
import assert from 'node:assert/strict';
import { join } from 'node:path';

export interface Served {
  readonly url: string;
  readonly key: string;
}

export function get({ url, key }: Served, path: string, method = 'GET', body?: object): Promise<Response> {
  return fetch(`${url}${path}`, {
    method,
    headers: { 'x-api-key': key, connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5000),
  });
}

export async function serves(cluster: Served): Promise<void> {
  const messages = [{ role: 'user', content: 'echo:hi' }];
  const chat = await get(cluster, '/api/chat', 'POST', { model: 'llama3.2', messages, stream: false });
  assert.equal(chat.status, 200);
}

export const storeIn = (home: string): string => join(home, 'data', 'deci.sqlite');
