/**
 * A whole cluster for a test: a fake Ollama, and the real start script with its own DECI_HOME, port and PM2 daemon. What it
 * started is gone after `stop`, also when starting or stopping fails, and when the test process ends without stopping.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeHotFiles } from '../../scripts/lib/hot-files.ts';
import { Pm2, type Pm2Answer } from '../../scripts/lib/pm2-cli.ts';
import { askWorkers, type WorkerState } from '../../scripts/lib/worker-sockets.ts';
import { liveControl, liveWorkers } from '../../src/config/live-workers.ts';
import type { RunState } from '../../src/config/run-state.ts';
import type { FakeControl } from '../fake-ollama/control.ts';
import type { FakeOptions } from '../fake-ollama/options.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { type SmallDisk, withDisk } from './small-disk.ts';

export interface ClusterOptions {
  readonly workers?: number;
  /** Settings by name; they win over what the harness sets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly fakeOptions?: Partial<FakeOptions>;
  /** A folder of its home that is a small disk for all of its processes. */
  readonly disk?: SmallDisk;
  /** Slots of a model (undefined: as learnt), and of the host; so many that nobody notices when absent. */
  readonly slots?: { readonly model: number | undefined; readonly host: number };
}

export interface TestCluster extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The admin key: it has no limits. */
  readonly key: string;
  readonly fake: FakeOllama;
  readonly control: FakeControl;
  readonly home: string;
  readonly runDir: string;
  readonly pm2Home: string;
  /** Runs PM2's command line against this cluster's daemon. */
  pm2(args: readonly string[]): Promise<Pm2Answer>;
  /** Runs `node FILE ARG...` of the checkout with this cluster's environment, `changes` on top of it. */
  script(args: readonly string[], changes?: Readonly<Record<string, string>>): Promise<ScriptResult>;
  /** Starts `node FILE ARG...` of the checkout with this cluster's environment, and does not wait; it ends with the cluster. */
  spawn(args: readonly string[]): ChildProcess;
  /** The workers that answer on their own sockets. */
  workers(): Promise<WorkerState[]>;
  /** Everything the workers and PM2 wrote so far. */
  logs(): string;
  stop(): Promise<void>;
}

export interface ScriptResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const fake = await startFakeOllama(options.fakeOptions ?? {});
  // Sockets live below it, and their paths are limited to 107 bytes.
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const runDir = join(home, 'run');
  const pm2 = new Pm2(join(runDir, 'pm2'), checkout, process.env);
  const env = clusterEnvironment(home, { ...slotsEntry(fake, options), ...workersEntry(options), ...options.env });
  const script: TestCluster['script'] = (args, changes = {}) => runScript(args, { ...env, ...changes });

  const killNow = (): void => killEverything(runDir, pm2);
  const onTerm = (): never => process.exit(143);
  process.once('exit', killNow);
  process.once('SIGTERM', onTerm);
  const children: ChildProcess[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      try {
        const { code, stderr } = await script(['scripts/stop.ts']);
        if (code !== 0) throw new Error(`stop ended with ${code}: ${stderr}`);
      } finally {
        killNow();
        for (const child of children) child.kill('SIGKILL');
        process.off('exit', killNow).off('SIGTERM', onTerm);
        await fake.stop();
        removeHotFiles({ hotDir: undefined, runDir });
        rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      }
    })();
    return stopping;
  };
  const logs = (): string => collectLogs([join(runDir, 'output'), join(home, 'logs'), pm2.home]);

  try {
    const { code, stdout, stderr } = await runScript(['scripts/start.ts', '--json'], env, withDisk(home, options.disk));
    if (code !== 0) throw new Error(`start ended with ${code}: ${stderr}\n${logs()}`);
    const { url } = JSON.parse(stdout) as RunState;
    return {
      url,
      port: Number(new URL(url).port),
      key: readFileSync(join(home, 'data', 'admin-key'), 'utf8').trim(),
      fake,
      control: fake.control,
      home,
      runDir,
      pm2Home: pm2.home,
      pm2: args => pm2.run(args),
      script,
      spawn: args => {
        const child = spawn(process.execPath, args, { cwd: checkout, env, stdio: 'ignore' });
        children.push(child);
        return child;
      },
      workers: async () => (await askWorkers(runDir)).flatMap(({ answer }) => (answer === undefined ? [] : [answer])),
      logs,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

const plenty = { model: 500, host: 500 };

function slotsEntry({ url }: FakeOllama, { slots = plenty }: ClusterOptions): Record<string, string> {
  const ofModel = slots.model === undefined ? '' : `#slots=${slots.model}`;
  return { OLLAMA_URLS: `${url}${ofModel}`, OLLAMA_MAX_CONNECTIONS: String(slots.host) };
}

function workersEntry({ workers }: ClusterOptions): Record<string, string> {
  return workers === undefined ? {} : { DECI_WORKERS: String(workers) };
}

/** Settings that the shell of the developer exports must not reach a test. */
export function clusterEnvironment(home: string, settings: Readonly<Record<string, string>>): Record<string, string> {
  const { PATH = '', HOME = tmpdir() } = process.env;
  const node = dirname(process.execPath);
  return {
    PATH: `${node}:${PATH}`,
    HOME,
    DECI_HOME: home,
    PORT: 'auto',
    DRAIN_TIMEOUT: '5s',
    RECYCLE_AT: 'off',
    ...settings,
  };
}

/** @param prefix a command that runs what stands behind it */
export async function runScript(
  args: readonly string[],
  env: Record<string, string>,
  prefix: readonly string[] = [],
): Promise<ScriptResult> {
  const [command, ...rest] = [...prefix, process.execPath, ...args] as [string, ...string[]];
  const child = spawn(command, rest, { cwd: checkout, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const { promise, resolve, reject } = Promise.withResolvers<ScriptResult>();
  child.once('error', reject).once('close', code => resolve({ code, stdout, stderr }));
  return promise;
}

/** The daemon first: it would bring back what is killed below it. */
function killEverything(runDir: string, pm2: Pm2): void {
  const daemon = pm2.daemonPid();
  const control = liveControl(runDir)?.pid;
  const known = [daemon, control].filter(pid => pid !== undefined);
  const pids = [...known, ...liveWorkers(runDir).map(({ pid }) => pid)];
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was gone already, which is what is wanted.
    }
  }
}

function collectLogs(dirs: readonly string[]): string {
  const parts: string[] = [];
  for (const dir of dirs) {
    try {
      for (const name of readdirSync(dir).filter(file => file.endsWith('.log'))) {
        parts.push(`== ${name}\n${readFileSync(join(dir, name), 'utf8')}`);
      }
    } catch {
      // A folder that does not exist yet has no logs.
    }
  }
  return parts.join('\n');
}
