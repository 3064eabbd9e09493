/** Asks each worker for its state on its own socket; PM2 knows only that a process exists, not that it serves. */
import { controlSocketPath, type LiveWorker, liveWorkers } from '../../src/config/live-workers.ts';
import { parseObject } from '../../src/kernel/json.ts';
import { askSocket } from '../../src/kernel/socket-request.ts';
import type { HostState } from '../../src/ollama/upstream-host.ts';

export interface UpstreamState {
  readonly url: string;
  readonly state: HostState;
  /** Whether it gets nothing new, by hand; absent where nobody asked for it. */
  readonly draining?: boolean;
  /** What that worker makes of it; absent where it does not know yet. */
  readonly condition?: { readonly is: string; readonly reason?: string };
}

/** What `GET /state` answers. */
export interface WorkerState {
  readonly pid: number;
  readonly colour: string;
  readonly state: 'starting' | 'ready' | 'standby' | 'draining';
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly upstreams: readonly UpstreamState[];
  readonly active: number;
  readonly started_at: string;
  readonly memory?: WorkerMemoryState;
  readonly load?: { readonly stage: string };
  /** Why it wants another in its place; null where it does not. */
  readonly replace?: { readonly reason: string; readonly since: string } | null;
}

export interface WorkerMemoryState {
  readonly stage: 'normal' | 'shrink' | 'shed' | 'end';
  /** 1 is at the limit. */
  readonly pressure: number;
  readonly cause: string;
  readonly live_mb: number;
  readonly used_mb: number;
  readonly external_mb: number;
  readonly rss_mb: number;
  /** Part of the last 30 s. */
  readonly gc_share: number;
  readonly leak: { readonly mb_per_hour: number; readonly hours_left: number } | null;
}

/** What `GET /state` of control answers. */
export interface ControlState {
  readonly pid: number;
  readonly state: string;
  readonly started_at: string;
  /** How an Ollama server of this machine is restarted, or why it is not; null while that is looked for. */
  readonly ollama_restart: RestartWords | null;
}

export type RestartWords = { readonly command: string } | { readonly none: string };

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
  return (await stateAt(socketPath, timeoutMs)) as WorkerState | undefined;
}

/** What control says of itself; undefined when it does not run, or does not answer. */
export async function askControl(runDir: string, timeoutMs = 2000): Promise<ControlState | undefined> {
  return (await stateAt(controlSocketPath(runDir), timeoutMs)) as ControlState | undefined;
}

async function stateAt(socketPath: string, timeoutMs: number): Promise<object | undefined> {
  try {
    const { text } = await askSocket({ socketPath, method: 'GET', path: '/state', timeoutMs });
    return parseObject(text);
  } catch {
    return undefined;
  }
}

export function urlOf({ host, port }: WorkerState): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
