/**
 * Admission: nobody reaches a model without a slot, and who finds none free waits in line, for a bounded time, as one of a
 * bounded number over all workers. Owner: the composition root of a worker.
 *
 * States of a caller: `waiting` -> `placed` -> `left`; `waiting` -> refused, when the line is full, its time is over, its
 * signal fires or no host is left; a caller may be placed at once. Invariants: a place is left exactly once; who leaves the
 * line gives back his place in it at once; those who wait for the same are served in order of arrival. Slots that other
 * processes give back are found by asking every few milliseconds, and only while somebody waits.
 */
import { DeciError } from '../kernel/errors.ts';
import type { GenerationSample } from './adaptive-limit.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

export interface Entry {
  readonly model: string;
  /** Callers with the same text wait for the same hosts and model. */
  readonly group: string;
  /** In the order in which they are wanted. Asked again whenever a slot may be free. @throws when there is none left */
  readonly hosts: () => readonly string[];
  /** Where the caller has less time than `maxWaitMs` of the gate. */
  readonly maxWaitMs?: number | undefined;
}

export type PlaceSample = Pick<GenerationSample, 'tokensPerSecond' | 'innerWaitMs' | 'generatedMs'>;

export interface Place {
  readonly host: string;
  /** 0 when there was a slot at once. */
  readonly waitedMs: number;
  /** Idempotent. @param how `aborted`: the host may still be working on it, so the slot counts until the host is free */
  leave(how?: 'aborted'): void;
  observe(sample: PlaceSample): void;
  overloaded(): void;
}

export interface SlotGateOptions<S, T> {
  readonly slots: {
    readonly keeps: boolean;
    inUse(host: string, model: string): number;
    take(host: string, model: string): S | undefined;
    give(slot: S, waiting: boolean): void;
    sweep(all?: boolean): void;
  };
  readonly limits: {
    of(host: string, model: string): number;
    observe(host: string, model: string, sample: Omit<GenerationSample, 'atMs'>): void;
    overloaded(host: string, model: string): void;
  };
  /** Places in the line, of all workers together. */
  readonly queue: { take(): T | undefined; release(ticket: T): void };
  readonly maxWaitMs: number;
  /** Resolves when a host works on nothing that nobody wants any more; never rejects, and is bounded. */
  readonly untilFree: (host: string) => Promise<void>;
  readonly now: () => number;
  readonly random: () => number;
  readonly onWaiting: (count: number) => void;
  readonly onWaited: (seconds: number) => void;
  readonly onRefused: (code: string) => void;
}

interface Waiter<S> extends Waiting {
  readonly entry: Entry;
  readonly placed: (slot: S) => void;
  readonly refused: (error: unknown) => void;
}

const pollMs = 5;
const pollSpreadMs = 10;
const sweepMs = 10;
const maxRetryAfterSeconds = 30;
const smoothing = 0.2;

export class SlotGate<S extends { readonly host: string; readonly model: string }, T> {
  readonly #options: SlotGateOptions<S, T>;
  readonly #line = new WaitingLine<Waiter<S>>();
  #pollTimer: NodeJS.Timeout | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
  /** How long a slot is held, smoothed. */
  #heldMs = 1000;

  constructor(options: SlotGateOptions<S, T>) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** @throws DeciError `queue_full`, `queue_timeout`, the signal's reason, or what `hosts` throws */
  async enter(entry: Entry, signal: AbortSignal): Promise<Place> {
    if (signal.aborted) throw reasonOf(signal);
    if (!this.#line.hasGroup(entry.group)) {
      const slot = this.#take(entry);
      if (slot !== undefined) return this.#place(slot, entry, 0);
    }
    const ticket = this.#options.queue.take();
    if (ticket === undefined) {
      this.#options.onRefused('queue_full');
      throw this.#full();
    }
    const startedAtMs = this.#options.now();
    try {
      const slot = await this.#wait(entry, signal);
      const waitedMs = this.#options.now() - startedAtMs;
      this.#options.onWaited(waitedMs / 1000);
      return this.#place(slot, entry, Math.max(1, Math.round(waitedMs)));
    } finally {
      this.#options.queue.release(ticket);
    }
  }

  stop(): void {
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#sweepTimer);
    this.#options.slots.sweep(true);
  }

  async #wait(entry: Entry, signal: AbortSignal): Promise<S> {
    const { promise, resolve, reject } = Promise.withResolvers<S>();
    const waiter: Waiter<S> = { entry, group: entry.group, placed: resolve, refused: reject };
    const leave = (error: unknown): void => {
      if (this.#line.remove(waiter)) reject(error);
    };
    const onAbort = (): void => leave(reasonOf(signal));
    const timer = setTimeout(
      () => {
        this.#options.onRefused('queue_timeout');
        leave(new DeciError('queue_timeout'));
      },
      Math.min(this.#options.maxWaitMs, entry.maxWaitMs ?? Number.POSITIVE_INFINITY),
    );
    signal.addEventListener('abort', onAbort);
    this.#line.add(waiter);
    this.#options.onWaiting(this.#line.length);
    this.#poll();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#options.onWaiting(this.#line.length);
    }
  }

  #take({ hosts, model }: Entry): S | undefined {
    for (const host of hosts()) {
      const slot = this.#options.slots.take(host, model);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }

  #serveLine(): void {
    this.#line.round(waiter => {
      try {
        const slot = this.#take(waiter.entry);
        if (slot === undefined) return false;
        waiter.placed(slot);
      } catch (error) {
        waiter.refused(error);
      }
      return true;
    });
  }

  #poll(): void {
    if (this.#pollTimer !== undefined || this.#line.length === 0) return;
    const waitMs = pollMs + this.#options.random() * pollSpreadMs;
    this.#pollTimer = setTimeout(() => {
      this.#pollTimer = undefined;
      this.#serveLine();
      this.#poll();
    }, waitMs);
  }

  #place(slot: S, { group }: Entry, waitedMs: number): Place {
    const { host, model } = slot;
    const { limits, slots, untilFree, now } = this.#options;
    const takenAtMs = now();
    let isLeft = false;
    return {
      host,
      waitedMs,
      leave: how => {
        if (isLeft) return;
        isLeft = true;
        this.#heldMs += smoothing * (now() - takenAtMs - this.#heldMs);
        if (how === 'aborted') void untilFree(host).then(() => this.#give(slot));
        else this.#give(slot);
      },
      observe: sample => {
        const inUse = slots.inUse(host, model);
        // Slots of other workers are not seen from here: whoever waits here proves that all are in use.
        const saturated = this.#line.hasGroup(group);
        limits.observe(host, model, { ...sample, inUse: saturated ? limits.of(host, model) : inUse, saturated });
      },
      overloaded: () => limits.overloaded(host, model),
    };
  }

  #give(slot: S): void {
    const { slots } = this.#options;
    slots.give(slot, this.#line.length > 0);
    if (this.#line.length > 0) this.#serveLine();
    if (slots.keeps) this.#sweep();
  }

  #sweep(): void {
    this.#sweepTimer ??= setTimeout(() => {
      this.#sweepTimer = undefined;
      this.#options.slots.sweep();
      if (this.#options.slots.keeps) this.#sweep();
    }, sweepMs);
  }

  #full(): DeciError {
    const seconds = Math.ceil((this.#heldMs * (this.#line.length + 1)) / 1000);
    return new DeciError('queue_full', { retryAfterSeconds: Math.min(maxRetryAfterSeconds, Math.max(1, seconds)) });
  }
}

function reasonOf(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  return reason instanceof DeciError ? reason : new DeciError('client_closed', { cause: reason });
}
