/** Endpoints about the server itself and about the account nobody is signed in to. */
import type { Exchange } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import { missingBody, notSignedIn, WireError } from './wire-error.ts';

export function handleRoot(_server: FakeServer, exchange: Exchange): void {
  exchange.text(200, 'Ollama is running');
}

export function handleVersion(server: FakeServer, exchange: Exchange): Promise<void> {
  return exchange.json(200, { version: server.options.version });
}

export function handleStatus(_server: FakeServer, exchange: Exchange): Promise<void> {
  return exchange.json(200, { cloud: { disabled: false, source: 'none' } });
}

export function handleMe(): never {
  throw notSignedIn();
}

export function handleSignout(): never {
  throw new WireError(401, 'you are not currently signed in');
}

/** Searching and fetching run in the cloud, so they end at the missing account. */
export function handleCloudProxy(_server: FakeServer, exchange: Exchange): never {
  throw exchange.isRawBodyEmpty ? missingBody() : notSignedIn();
}

export function handleRecommendations(_server: FakeServer, exchange: Exchange): Promise<void> {
  return exchange.json(200, {
    recommendations: [
      {
        model: 'qwen3',
        description: 'A small model that thinks and calls tools',
        context_length: 40_960,
        vram_bytes: 6_000_000_000,
      },
    ],
  });
}
