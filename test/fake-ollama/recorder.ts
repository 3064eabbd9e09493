/** What the fake saw and does: the record of requests and the counters that tests wait on. Owner: one fake server. */
import type { IncomingHttpHeaders } from 'node:http';

export interface RecordedRequest {
  id: number;
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  bodyBytes: number;
  /** Parsed body; undefined while it is not read, when it is no JSON and when it is longer than the limit. */
  body: unknown;
  model: string | undefined;
  fault: string | undefined;
  status: number | undefined;
  outcome: 'open' | 'finished' | 'aborted' | 'cut';
}

export interface ModelState {
  loaded: boolean;
  loads: number;
  evictions: number;
  users: number;
  waiting: number;
  contextLength: number;
}

export interface FakeState {
  requests: readonly RecordedRequest[];
  requestCount: number;
  /** Requests whose client closed the connection before the answer was complete. */
  aborted: number;
  /** Generations that hold a slot right now, in prompt processing or after it. */
  active: number;
  maxConcurrent: number;
  /** Requests that wait for a model to be loaded. */
  pendingLoads: number;
  /** Requests that wait for a slot of a loaded model. */
  waiting: number;
  generations: number;
  connections: number;
  listening: boolean;
  models: Readonly<Record<string, ModelState>>;
}

export type Predicate = (state: FakeState) => boolean;

interface Waiter {
  look(state: FakeState): void;
}

const FORGET_AT_ONCE = 256;

export class Recorder {
  active = 0;
  connections = 0;
  #requests: RecordedRequest[] = [];
  #requestCount = 0;
  #aborted = 0;
  #maxConcurrent = 0;
  #generations = 0;
  readonly #waiters = new Set<Waiter>();
  readonly #scheduling: () => Pick<FakeState, 'pendingLoads' | 'waiting' | 'models' | 'listening'>;

  constructor(scheduling: () => Pick<FakeState, 'pendingLoads' | 'waiting' | 'models' | 'listening'>) {
    this.#scheduling = scheduling;
  }

  open(request: Omit<RecordedRequest, 'id'>, keep: number): RecordedRequest {
    this.#requestCount++;
    const recorded = { id: this.#requestCount, ...request };
    this.#requests.push(recorded);
    // Now and then rather than one by one: a benchmark sends a great many.
    if (this.#requests.length > keep + FORGET_AT_ONCE) this.#requests = this.#requests.slice(-keep);
    this.changed();
    return recorded;
  }

  close(request: RecordedRequest, outcome: 'finished' | 'aborted' | 'cut'): void {
    if (request.outcome !== 'open') return;
    request.outcome = outcome;
    if (outcome === 'aborted') this.#aborted++;
    this.changed();
  }

  generationStarted(): void {
    this.active++;
    this.#generations++;
    if (this.active > this.#maxConcurrent) this.#maxConcurrent = this.active;
    this.changed();
  }

  generationEnded(): void {
    this.active--;
    this.changed();
  }

  state(): FakeState {
    return {
      requests: [...this.#requests],
      requestCount: this.#requestCount,
      aborted: this.#aborted,
      active: this.active,
      maxConcurrent: this.#maxConcurrent,
      generations: this.#generations,
      connections: this.connections,
      ...this.#scheduling(),
    };
  }

  reset(): void {
    this.#requests = [];
    this.#requestCount = 0;
    this.#aborted = 0;
    this.#generations = 0;
    this.#maxConcurrent = this.active;
    this.changed();
  }

  changed(): void {
    if (this.#waiters.size === 0) return;
    const state = this.state();
    for (const waiter of this.#waiters) waiter.look(state);
  }

  waitFor(predicate: Predicate, signal?: AbortSignal): Promise<FakeState> {
    return new Promise<FakeState>((resolve, reject) => {
      const state = this.state();
      if (predicate(state)) return resolve(state);
      const leave = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', abandon);
      };
      const abandon = () => {
        leave();
        reject(signal?.reason instanceof Error ? signal.reason : new Error('the wait was aborted'));
      };
      const waiter: Waiter = {
        look: reached => {
          try {
            if (!predicate(reached)) return;
            resolve(reached);
          } catch (error) {
            reject(error);
          }
          leave();
        },
      };
      if (signal?.aborted) return abandon();
      signal?.addEventListener('abort', abandon, { once: true });
      this.#waiters.add(waiter);
    });
  }
}
