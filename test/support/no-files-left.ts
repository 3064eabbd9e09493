/** A process that has no file left to connect with: writes what it thinks of the server at the URL it was given. */
import { openSync } from 'node:fs';
import { toDeciError } from '../../src/kernel/errors.ts';
import { OllamaPool } from '../../src/ollama/ollama-pool.ts';
import { WatchConnection } from '../../src/ollama/watch-connection.ts';
import { classifyFailure } from '../../src/resilience/failure-class.ts';

export interface WithoutFiles {
  readonly code: string;
  readonly failure: string;
  /** What the kept connection told. */
  readonly refused: readonly string[];
  readonly state: string | undefined;
}

const [, , url = ''] = process.argv;
const times = { connectMs: 1000, requestMs: 1000, embedMs: 1000, healthIntervalMs: 60_000 };
const pool = new OllamaPool({
  upstreams: [{ url }],
  ...times,
  via: 'test',
  random: Math.random,
  onHostChange: () => undefined,
});
// Loaded before there is no file left to load it from.
await import('undici');
process.stdout.write('');

function takeAllFiles(): string {
  for (;;) {
    try {
      openSync('/dev/null', 'r');
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  }
}

const code = takeAllFiles();
const refused: string[] = [];
const dialledTwice = Promise.withResolvers<void>();
let dials = 0;
const watch = new WatchConnection({
  url,
  connectMs: 1000,
  random: () => {
    if (++dials === 2) dialledTwice.resolve();
    return 0;
  },
  onReached: () => refused.push('reached'),
  onRefused: error => refused.push(error.message),
});
watch.start();
await pool.start();
const limits = { firstMs: 1000, stallMs: 1000, totalMs: 1000 };
const request = { method: 'POST', path: '/api/chat', headers: {}, body: '{}', model: 'm' } as const;
const failure = await pool.open(request, limits, new AbortController().signal).then(
  () => 'answered',
  (error: unknown) => classifyFailure(toDeciError(error), false),
);
const alive = setInterval(() => undefined, 1000);
await dialledTwice.promise;
clearInterval(alive);
watch.stop();
const told: WithoutFiles = { code, failure, refused, state: pool.hosts[0]?.state.is };
process.stdout.write(JSON.stringify(told));
process.exit(0);
