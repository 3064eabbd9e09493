/**
 * Hands tasks to the store's thread, one at a time, and answers each of them within its deadline. The thread is started
 * when there is something to do and ended when there was nothing for a while: an idle process pays no memory for it.
 *
 * A task that has not been handed over may be given up and has done nothing. One that was handed over and does not come
 * back in time is `unknown`: its thread is ended and replaced, and what it was just committing may be committed.
 *
 * A thread that hangs in a system call cannot be ended. It is remembered until it has left, and while there are more of
 * those than one the disk is to blame: then nothing is begun, instead of hanging one thread after the other.
 */
import { Worker } from 'node:worker_threads';
import type { SlowStatement, StatementResult } from '../statements.ts';
import { StoreError } from '../store-error.ts';
import { replyError, type ThreadReply, type ThreadSettings, type ThreadTask } from './thread-messages.ts';

export interface ThreadClientOptions extends ThreadSettings {
  readonly idleMs: number;
  readonly maxWaiting: number;
  readonly onSlow: (statement: SlowStatement) => void;
}

interface Job {
  readonly task: ThreadTask;
  readonly deadline: number;
  readonly settle: PromiseWithResolvers<readonly StatementResult[]>;
  timer: NodeJS.Timeout | undefined;
}

/** The thread itself gives up at the deadline and says so; this much later it hangs. */
const graceMs = 500;
const maxHanging = 1;

export class ThreadClient {
  readonly #options: ThreadClientOptions;
  readonly #waiting: Job[] = [];
  readonly #hanging = new Set<Worker>();
  #current: Job | undefined;
  #worker: Worker | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ThreadClientOptions) {
    this.#options = options;
  }

  /** For tests and metrics: whether the thread exists just now. */
  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * @throws StoreError `not_written` when it was not begun or was refused, `unknown` when nobody can tell; the signal's
   * reason when it fires before the task was begun. What has begun is not called back, but for a check.
   */
  async ask(task: ThreadTask, timeoutMs: number, signal?: AbortSignal): Promise<readonly StatementResult[]> {
    signal?.throwIfAborted();
    const { path, maxWaiting } = this.#options;
    if (this.#closed) throw new StoreError('unavailable', { path, detail: 'it is being closed' });
    if (this.#waiting.length >= maxWaiting) {
      throw new StoreError('unavailable', { path, detail: `${maxWaiting} writes are waiting already` });
    }
    const job: Job = {
      task,
      deadline: performance.now() + timeoutMs,
      settle: Promise.withResolvers(),
      timer: undefined,
    };
    const onAbort = (): void => this.#onAbort(job, signal?.reason);
    signal?.addEventListener('abort', onAbort);
    job.timer = setTimeout(() => this.#onDeadline(job), timeoutMs);
    this.#waiting.push(job);
    this.#next();
    try {
      return await job.settle.promise;
    } finally {
      clearTimeout(job.timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Lets what waits be written, each within its deadline, then ends the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#waiting, ...(this.#current === undefined ? [] : [this.#current])];
    await Promise.allSettled(open.map(job => job.settle.promise));
    await this.#end();
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const job = this.#waiting.shift();
    if (job === undefined) return this.#rest();
    if (this.#hanging.size > maxHanging) {
      const detail = `${this.#hanging.size} threads hang in it`;
      job.settle.reject(new StoreError('unavailable', { path: this.#options.path, detail }));
      return this.#next();
    }
    clearTimeout(this.#idleTimer);
    this.#current = job;
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage({ task: job.task, timeoutMs: Math.max(1, job.deadline - performance.now()) }, []);
  }

  #start(): Worker {
    const { path, checkMaxBytes, maxWalBytes, slowMs } = this.#options;
    const workerData: ThreadSettings = { path, checkMaxBytes, maxWalBytes, slowMs };
    // Nothing of the environment or of the flags of this process is its business.
    const worker = new Worker(new URL('store-thread.ts', import.meta.url), { workerData, execArgv: [], env: {} });
    worker.on('message', (reply: ThreadReply) => this.#onReply(worker, reply));
    worker.on('error', error => this.#onLost(worker, error));
    worker.on('exit', () => {
      this.#hanging.delete(worker);
      this.#onLost(worker, undefined);
    });
    return worker;
  }

  #onReply(worker: Worker, reply: ThreadReply): void {
    if (reply.is === 'slow') return this.#options.onSlow(reply.statement);
    if (worker !== this.#worker) return;
    if (reply.is === 'done') this.#finish(job => job.settle.resolve(reply.results));
    else this.#finish(job => job.settle.reject(replyError(reply, this.#options.path)));
  }

  #onLost(worker: Worker, cause: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#finish(job => job.settle.reject(this.#unknown('the thread that wrote it ended', cause)));
  }

  #onDeadline(job: Job): void {
    const { path } = this.#options;
    if (job !== this.#current) {
      return this.#giveUp(job, new StoreError('locked', { path, detail: 'its turn did not come in time' }));
    }
    job.timer = setTimeout(() => this.#replace(job, this.#unknown('no answer in time')), graceMs);
  }

  #onAbort(job: Job, reason: unknown): void {
    // It changes nothing, and takes its time.
    if (job.task.is === 'check') this.#replace(job, reason);
    this.#giveUp(job, reason);
  }

  #replace(job: Job, reason: unknown): void {
    if (job !== this.#current) return;
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker !== undefined) {
      this.#hanging.add(worker);
      // It ends when its statement returns; until then it may hold the lock, and the next thread waits for that.
      void worker.terminate();
      worker.unref();
    }
    this.#finish(({ settle }) => settle.reject(reason));
  }

  #unknown(detail: string, cause?: unknown): StoreError {
    return new StoreError('unavailable', { path: this.#options.path, outcome: 'unknown', detail, cause });
  }

  #giveUp(job: Job, reason: unknown): void {
    const place = this.#waiting.indexOf(job);
    if (place === -1) return;
    this.#waiting.splice(place, 1);
    job.settle.reject(reason);
  }

  #finish(settle: (job: Job) => void): void {
    const job = this.#current;
    this.#current = undefined;
    if (job !== undefined) settle(job);
    this.#next();
  }

  #rest(): void {
    this.#worker?.unref();
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => void this.#end(), this.#options.idleMs).unref();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const worker = this.#worker;
    if (worker === undefined || this.#current !== undefined) return;
    this.#worker = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.once('exit', () => resolve());
    worker.ref();
    worker.postMessage('close', []);
    await promise;
  }
}
