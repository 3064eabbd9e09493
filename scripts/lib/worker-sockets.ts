/** Asks each worker for its state on its own socket; PM2 knows only that a process exists, not that it serves. */
import { request } from 'node:http';
import { type LiveWorker, liveWorkers } from '../../src/config/live-workers.ts';
import type { HostState } from '../../src/ollama/upstream-host.ts';

export interface UpstreamState {
  readonly url: string;
  readonly state: HostState;
}

/** What `GET /state` answers. */
export interface WorkerState {
  readonly pid: number;
  readonly colour: string;
  readonly state: 'starting' | 'ready' | 'draining';
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly upstreams: readonly UpstreamState[];
  readonly active: number;
  readonly started_at: string;
}

export interface AskedWorker {
  readonly worker: LiveWorker;
  /** Absent when it lives and does not answer. */
  readonly answer: WorkerState | undefined;
}

export async function askWorkers(runDir: string, timeoutMs = 2000): Promise<AskedWorker[]> {
  const asked = liveWorkers(runDir).map(async worker => ({ worker, answer: await ask(worker, timeoutMs) }));
  return Promise.all(asked);
}

async function ask({ socketPath }: LiveWorker, timeoutMs: number): Promise<WorkerState | undefined> {
  const { promise, resolve } = Promise.withResolvers<WorkerState | undefined>();
  const nothing = (): void => resolve(undefined);
  const req = request({ socketPath, path: '/state', agent: false, signal: AbortSignal.timeout(timeoutMs) }, res => {
    let text = '';
    res.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    res.once('error', nothing).once('end', () => resolve(parse(text)));
  });
  req.once('error', nothing).end();
  return promise;
}

function parse(text: string): WorkerState | undefined {
  try {
    return JSON.parse(text) as WorkerState;
  } catch {
    return undefined;
  }
}

export function urlOf({ host, port }: WorkerState): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
