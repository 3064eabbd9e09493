/**
 * What control knows of the workers: which there are, told by their sockets, and what each says of itself. It only looks.
 * A worker that lives and does not answer in time is told as such; one that is gone is forgotten.
 */
import { type LiveWorker, liveWorkers } from '../config/live-workers.ts';
import type { Colour } from '../config/run-state.ts';
import { isObject, parseObject } from '../kernel/json.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { askSocket } from '../kernel/socket-request.ts';
import { Ticker } from '../kernel/ticker.ts';

const states = ['starting', 'ready', 'standby', 'draining'] as const;

export interface WorkerView {
  readonly pid: number;
  readonly colour: Colour;
  readonly state: (typeof states)[number] | 'not answering';
  /** Since when it is in this state, as far as control saw. */
  readonly since: string;
  readonly active: number | null;
  /** Why it wants to be replaced; null when it does not, or does not say. */
  readonly replace: string | null;
  /** Records of the journal of what the worker did about it itself. */
  readonly replaceIds: readonly string[];
  /** Whether it ever answered: one that never did may still be starting. */
  readonly answered: boolean;
}

export interface WorkerWatchOptions {
  readonly runDir: string;
  readonly intervalMs: number;
  /** For one answer; all workers are asked at the same time. */
  readonly answerMs: number;
  readonly now: () => Date;
  readonly random: () => number;
  readonly onChange: (view: WorkerView, before: WorkerView['state'] | 'unknown') => void;
  readonly onGone: (view: WorkerView) => void;
  readonly onFailure: (error: unknown) => void;
}

export class WorkerWatch implements Resource {
  readonly name = 'worker-watch';
  readonly #options: WorkerWatchOptions;
  readonly #ticker: Ticker;
  #views = new Map<number, WorkerView>();

  constructor(options: WorkerWatchOptions) {
    this.#options = options;
    const { intervalMs, random, onFailure } = options;
    const tick = async (): Promise<undefined> => {
      await this.look();
      return undefined;
    };
    this.#ticker = new Ticker({ name: 'worker watch', intervalMs, tick, onFailure, random });
  }

  get views(): WorkerView[] {
    return [...this.#views.values()];
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }

  async look(): Promise<void> {
    const before = this.#views;
    const seen = await Promise.all(liveWorkers(this.#options.runDir).map(worker => this.#ask(worker)));
    this.#views = new Map(seen.map(view => [view.pid, view]));
    for (const view of seen) {
      const earlier = before.get(view.pid)?.state ?? 'unknown';
      if (earlier !== view.state) this.#options.onChange(view, earlier);
    }
    for (const view of before.values()) if (!this.#views.has(view.pid)) this.#options.onGone(view);
  }

  async #ask({ pid, colour, socketPath }: LiveWorker): Promise<WorkerView> {
    const answer = await this.#stateOf(socketPath);
    const state = states.find(name => name === answer?.['state']) ?? 'not answering';
    const earlier = this.#views.get(pid);
    const since = earlier?.state === state ? earlier.since : this.#options.now().toISOString();
    const active = answer?.['active'];
    return {
      pid,
      colour,
      state,
      since,
      // Of one that does not answer, what it said last.
      active: typeof active === 'number' ? active : answer === undefined ? (earlier?.active ?? null) : null,
      ...askedOf(answer?.['replace']),
      answered: earlier?.answered === true || state !== 'not answering',
    };
  }

  async #stateOf(socketPath: string): Promise<Record<string, unknown> | undefined> {
    try {
      const { text } = await askSocket({
        socketPath,
        method: 'GET',
        path: '/state',
        timeoutMs: this.#options.answerMs,
      });
      return parseObject(text);
    } catch {
      return undefined;
    }
  }
}

function askedOf(replace: unknown): Pick<WorkerView, 'replace' | 'replaceIds'> {
  const { reason, ids } = isObject(replace) ? replace : {};
  return {
    replace: typeof reason === 'string' ? reason : null,
    replaceIds: Array.isArray(ids) ? ids.filter(id => typeof id === 'string') : [],
  };
}
