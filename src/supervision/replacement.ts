/**
 * Puts a new worker in the place of an old one, and nobody notices: the new one is started and serves before the old one is told to
 * finish and leave. PM2's own reload ends the old one whatever became of the new one.
 *
 * States: none -> `begun` (which worker is to go is written down) -> the new one serves -> the old one has left -> none. Each step looks
 * at what PM2 and the workers say, and can be taken again: a control process that was killed in the middle is followed by one that goes
 * on. Invariant: there are never fewer workers that serve than there should be because of this.
 */
import { pause } from '../kernel/pause.ts';
import type { AppProcess } from './pm2-app.ts';

export interface ReplacementOptions {
  /** How many workers there should be. */
  readonly workers: number;
  readonly app: {
    list(signal: AbortSignal): Promise<readonly AppProcess[]>;
    scale(count: number, signal: AbortSignal): Promise<void>;
    remove(id: number, signal: AbortSignal): Promise<void>;
  };
  /** The pids of those that serve, asked now. */
  readonly serving: () => Promise<readonly number[]>;
  /** Whether that one was told to leave already, asked now. */
  readonly isLeaving: (pid: number) => Promise<boolean>;
  /** For a worker to begin to serve. */
  readonly bootMs: number;
  /** What is written down of one that was begun: it outlives this process. */
  readonly plan: { read(): number | undefined; write(pid: number): void; remove(): void };
}

const askAgainMs = 200;

/**
 * @returns `healed` when the old one has left, `no_effect` when the new one did not come: the old one then stays
 * @throws Error when PM2 does not do as it is told
 */
export async function replaceWorker(
  options: ReplacementOptions,
  pid: number,
  signal: AbortSignal,
): Promise<'healed' | 'no_effect'> {
  const { workers, app, plan } = options;
  plan.write(pid);
  const before = await app.list(signal);
  const old = before.find(process => process.pid === pid);
  if (old === undefined) {
    plan.remove();
    return 'no_effect';
  }
  if (before.length <= workers) await app.scale(before.length + 1, signal);
  if (!(await othersServe(options, pid, signal))) {
    await removeNew(options, old, signal);
    plan.remove();
    return 'no_effect';
  }
  if (await options.isLeaving(pid)) await afterLeaving(options, old, signal);
  else await app.remove(old.id, signal);
  plan.remove();
  return 'healed';
}

/**
 * Who was killed in the middle had sent it away already. It must not be told twice: a second signal ends a worker at once, and its
 * streams with it. Where PM2 put another one in its place, that one is the one too many.
 */
async function afterLeaving({ app }: ReplacementOptions, { id, pid }: AppProcess, signal: AbortSignal): Promise<void> {
  for (;;) {
    const now = (await app.list(signal)).find(process => process.id === id);
    if (now === undefined) return;
    if (now.pid !== pid) return app.remove(id, signal);
    await pause(askAgainMs, signal);
  }
}

/** Whether enough others serve, within the time that a worker has to come up. */
async function othersServe({ workers, serving, bootMs }: ReplacementOptions, pid: number, signal: AbortSignal) {
  for (let waitedMs = 0; waitedMs < bootMs; waitedMs += askAgainMs) {
    const others = (await serving()).filter(one => one !== pid);
    if (others.length >= workers) return true;
    await pause(askAgainMs, signal);
  }
  return false;
}

/**
 * The one that does not come up would be started again and again. It is the newest of those too many: an earlier control process may
 * have started it.
 */
async function removeNew(
  { workers, app, serving }: ReplacementOptions,
  old: AppProcess,
  signal: AbortSignal,
): Promise<void> {
  const serve = new Set(await serving());
  const all = await app.list(signal);
  const idle = all
    .filter(({ id, pid }) => id !== old.id && !serve.has(pid))
    .toSorted((left, right) => right.id - left.id);
  for (const { id } of idle.slice(0, Math.max(0, all.length - workers))) await app.remove(id, signal);
}
