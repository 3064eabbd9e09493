/** One worker as a process of its own, without PM2: for what a worker does by itself, above all how it leaves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeHotFiles } from '../../scripts/lib/hot-files.ts';
import { askWorkers } from '../../scripts/lib/worker-sockets.ts';
import { type SmallDisk, withDisk } from './small-disk.ts';
import { checkout, clusterEnvironment } from './start-cluster.ts';

export interface TestWorker extends AsyncDisposable {
  readonly url: string;
  readonly key: string;
  readonly home: string;
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  /** What it wrote to stdout and stderr so far. */
  output(): string;
}

export async function startWorker(env: Readonly<Record<string, string>>, disk?: SmallDisk): Promise<TestWorker> {
  const worker = spawnWorker(env, disk);
  const ready = once(worker.child, 'message').then(([message]) => message === 'ready');
  const outcome = await Promise.race([ready, worker.exited]);
  const [state] = outcome === true ? await askWorkers(join(worker.home, 'run')) : [];
  if (state?.answer === undefined) {
    await worker[Symbol.asyncDispose]();
    throw new Error(`the worker did not become ready:\n${worker.output()}`);
  }
  const { host, port } = state.answer;
  const key = readFileSync(join(worker.home, 'data', 'admin-key'), 'utf8').trim();
  return { ...worker, url: `http://${host}:${port}`, key };
}

export type SpawnedWorker = Omit<TestWorker, 'url' | 'key'>;

/** Does not wait for it, so that it may fail. */
export function spawnWorker(env: Readonly<Record<string, string>>, disk?: SmallDisk): SpawnedWorker {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const [command, ...args] = [...withDisk(home, disk), process.execPath, 'src/main.ts'];
  const child = spawn(command, args, {
    cwd: checkout,
    env: clusterEnvironment(home, env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const dispose = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    removeHotFiles({ hotDir: undefined, runDir: join(home, 'run') });
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { home, child, pid: child.pid ?? 0, exited, output: () => text, [Symbol.asyncDispose]: dispose };
}
