/**
 * Admission: nobody reaches a model without a slot, and who finds none free waits in line, for a bounded time, as one of a
 * bounded number over all workers. Owner: the composition root of a worker.
 *
 * States of a caller: `waiting` -> `placed` -> `left`; `waiting` -> refused, when the line is full, its time is over, its
 * signal fires, its place was given to another or no host is left; a caller may be placed at once. Invariants: a place is left
 * exactly once; who leaves the line gives back his place in it at once; those who wait, in all workers, are served in the
 * order of `orderTickets`. Slots that other processes give back are found by asking every few milliseconds, and only while
 * somebody waits.
 */
import type { GenerationSample } from './adaptive-limit.ts';
import { FairLine } from './fair-line.ts';
import type { Entry, FairLineOptions, LinePlace } from './line-entry.ts';
import type { Ticket } from './queue-order.ts';
import { reasonOf } from './reason-of.ts';

export type PlaceSample = Omit<GenerationSample, 'atMs' | 'inUse' | 'saturated'>;

export interface Place {
  readonly host: string;
  /** 0 when there was a slot at once. */
  readonly waitedMs: number;
  /**
   * Idempotent.
   * @param how `aborted`: the host may still be working on it, so the slot counts until the host is free
   * @param busyMs how long it will probably work on it: a prompt is read to its end before anybody is seen to have left
   */
  leave(how?: 'aborted', busyMs?: number): void;
  observe(sample: PlaceSample): void;
  overloaded(): void;
}

export interface SlotGateOptions<S> extends Omit<FairLineOptions<S>, 'take' | 'hasRoom'> {
  readonly slots: {
    readonly keeps: boolean;
    /** How many of its host and model are in use here, itself included. */
    inUseLike(slot: S): number;
    /** @param inTurn whether it is the caller's turn, so that nobody else waits for it in front of him */
    take(host: string, model: string, inTurn: boolean): S | undefined;
    /** Whether there seems to be one. */
    hasRoom(host: string, model: string): boolean;
    give(slot: S): void;
    sweep(all?: boolean): void;
  };
  readonly limits: {
    of(host: string, model: string): number;
    observe(host: string, model: string, sample: Omit<GenerationSample, 'atMs'>): void;
    overloaded(host: string, model: string): void;
  };
  /** Resolves when a host works on nothing that nobody wants any more; never rejects, and is bounded. */
  readonly untilFree: (host: string, busyMs: number) => Promise<void>;
}

const sweepMs = 10;

export class SlotGate<S extends { readonly host: string; readonly model: string }> {
  readonly #options: SlotGateOptions<S>;
  readonly #line: FairLine<S>;
  #sweepTimer: NodeJS.Timeout | undefined;

  constructor(options: SlotGateOptions<S>) {
    this.#options = options;
    this.#line = new FairLine({
      ...options,
      take: entry => this.#take(entry, true),
      hasRoom: (host, model) => options.slots.hasRoom(host, model),
    });
  }

  get waiting(): number {
    return this.#line.length;
  }

  /**
   * @returns the place itself where nobody has to wait for it, which is the usual case
   * @throws DeciError `queue_full`, `queue_share`, `queue_too_slow`, `queue_timeout`, the signal's reason, or what `hosts` throws
   */
  enter(entry: Entry, signal: AbortSignal): Place | Promise<Place> {
    if (signal.aborted) throw reasonOf(signal);
    if (!this.#line.hasModel(entry.model)) {
      const slot = this.#take(entry, false);
      if (slot !== undefined) return this.#place(slot, entry, 0);
    }
    return this.#wait(entry, signal);
  }

  async #wait(entry: Entry, signal: AbortSignal): Promise<Place> {
    const { slot, waitedMs } = await this.#line.wait(entry, signal);
    return this.#place(slot, entry, Math.max(1, Math.round(waitedMs)));
  }

  /** A slot of one host for what must not wait in line. @returns undefined when there is none, or somebody waits for it */
  tryEnter(host: string, model: string): Place | undefined {
    if (this.#line.hasModel(model)) return undefined;
    const slot = this.#options.slots.take(host, model, false);
    return slot === undefined ? undefined : this.#place(slot, { group: `canary of ${host}` }, 0);
  }

  /** How many slots a model has on a host, at this moment. */
  limitOf(host: string, model: string): number {
    return this.#options.limits.of(host, model);
  }

  /** Everybody who waits, in all workers, in their order. */
  line(): ReadonlyArray<Ticket & LinePlace> {
    return this.#line.list();
  }

  stop(): void {
    this.#line.stop();
    clearTimeout(this.#sweepTimer);
    this.#options.slots.sweep(true);
  }

  #take({ hosts, model }: Entry, inTurn: boolean): S | undefined {
    for (const host of hosts()) {
      const slot = this.#options.slots.take(host, model, inTurn);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }

  #place(slot: S, { group }: Pick<Entry, 'group'>, waitedMs: number): Place {
    const { host, model } = slot;
    const { limits, slots, untilFree, now } = this.#options;
    const takenAtMs = now();
    let isLeft = false;
    return {
      host,
      waitedMs,
      leave: (how, busyMs = 0) => {
        if (isLeft) return;
        isLeft = true;
        this.#line.slotLeft(now() - takenAtMs);
        if (how === 'aborted') void untilFree(host, busyMs).then(() => this.#give(slot));
        else this.#give(slot);
      },
      observe: sample => {
        // Slots of other workers are not seen from here: whoever waits here proves that all are in use.
        const saturated = this.#line.hasGroup(group);
        const inUse = saturated ? limits.of(host, model) : slots.inUseLike(slot);
        limits.observe(host, model, { ...sample, inUse, saturated });
      },
      overloaded: () => limits.overloaded(host, model),
    };
  }

  #give(slot: S): void {
    const { slots } = this.#options;
    slots.give(slot);
    if (this.#line.length > 0) this.#line.serve();
    if (slots.keeps) this.#sweep();
  }

  #sweep(): void {
    this.#sweepTimer ??= setTimeout(() => {
      this.#sweepTimer = undefined;
      this.#options.slots.sweep();
      if (this.#options.slots.keeps) this.#sweep();
    }, sweepMs);
  }
}
