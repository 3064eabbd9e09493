/** Clients that keep their connection and ask again and again; each failure is kept with its reason. */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export interface KeepAliveLoad {
  /** Resolves when every client has its last answer. */
  stop(): Promise<LoadResult>;
  readonly requests: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly failures: readonly string[];
}

/** A URL with its path, and the key for it. */
export interface Target {
  readonly url: string;
  readonly key?: string;
  /** Of one worker, instead of the port that all of them share. */
  readonly socketPath?: string;
}

export function at({ url, key }: Target, path: string): Target {
  return { url: `${url}${path}`, ...(key === undefined ? {} : { key }) };
}

/** No answer is better than a test that waits for ever. */
const answerMs = 5000;

export function startLoad(target: Target, clients: number, body: unknown): KeepAliveLoad {
  const state = { requests: 0, stopped: false };
  const failures: string[] = [];
  const text = JSON.stringify(body);
  const running = Array.from({ length: clients }, async (_, index) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!state.stopped) {
      try {
        await ask(target, text, agent);
      } catch (error) {
        failures.push(`client ${index}: ${String(error)}`);
      }
      state.requests += 1;
      // The socket lies idle for a moment: it is then that a server that closes it too early breaks the next request.
      await pause(3 + (index % 20));
    }
    agent.destroy();
  });
  return {
    get requests() {
      return state.requests;
    },
    async stop() {
      state.stopped = true;
      await Promise.all(running);
      return { requests: state.requests, failures };
    },
  };
}

/** @throws unless it is answered in full and in time, with 200 */
export async function ask({ url, key }: Target, body: string, agent: Agent | false): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...(key === undefined ? {} : { 'x-api-key': key }),
  };
  const req = request(url, { method: 'POST', headers, agent, signal: AbortSignal.timeout(answerMs) }, res => {
    res.resume();
    res.once('error', reject).once('close', () => {
      if (!res.complete) reject(new Error('the answer was cut'));
      else if (res.statusCode !== 200) reject(new Error(`status ${res.statusCode}`));
      else resolve();
    });
  });
  req.once('error', reject).end(body);
  return promise;
}
