/**
 * Those who wait for a slot, in the order that holds for all workers. Owner: the gate. Invariants: who leaves, for whatever
 * reason, gives back his place at once; nobody is served twice; a slot that was taken for somebody is given to him or to nobody.
 */
import { DeciError } from '../kernel/errors.ts';
import { type Entry, type FairLineOptions, hostsOf, type LinePlace } from './line-entry.ts';
import { decideDoor } from './queue-door.ts';
import { type OrderFacts, orderTickets, type Priority, positionOf, type Ticket } from './queue-order.ts';
import { reasonOf } from './reason-of.ts';
import { StandingLine } from './standing-line.ts';
import { TicketTurns } from './ticket-turns.ts';
import { VirtualTime } from './virtual-time.ts';
import { WaitingLine } from './waiting-line.ts';

interface Waiter<S> {
  ticket: Ticket;
  readonly entry: Entry;
  readonly placed: (slot: S) => void;
  readonly refused: (error: unknown) => void;
  position: number;
}

const pollMs = 5;
const pollSpreadMs = 10;
/** Though nothing has changed: time passes, hosts come and go, and the dead say nothing. */
const lookAtLeastEveryMs = 50;
const maxRetryAfterSeconds = 30;
const smoothing = 0.2;
/** So many slots must have been left before anything is expected of the next. */
const leastHolds = 5;

export class FairLine<S> {
  readonly #options: FairLineOptions<S>;
  readonly #line = new WaitingLine<Waiter<S>>();
  readonly #time = new VirtualTime();
  readonly #standing = new StandingLine();
  readonly #turns: TicketTurns;
  #pollTimer: NodeJS.Timeout | undefined;
  /** How long a slot is held, smoothed. */
  #heldMs = 1000;
  #holds = 0;
  #servedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FairLineOptions<S>) {
    this.#options = options;
    this.#turns = new TicketTurns(options.now);
  }

  get length(): number {
    return this.#line.length;
  }

  hasGroup(group: string): boolean {
    return this.#line.hasGroup(group);
  }

  hasModel(model: string): boolean {
    return this.#line.hasModel(model);
  }

  slotLeft(heldMs: number): void {
    this.#holds++;
    this.#heldMs += smoothing * (heldMs - this.#heldMs);
  }

  /** @throws DeciError `queue_full`, `queue_share`, `queue_too_slow`, `queue_timeout`, the signal's reason, or what `hosts` throws */
  async wait(entry: Entry, signal: AbortSignal): Promise<{ readonly slot: S; readonly waitedMs: number }> {
    const ticket = this.#join(entry);
    try {
      const slot = await this.#wait(ticket, entry, signal);
      const waitedMs = this.#options.now() - ticket.sinceMs;
      this.#time.served(ticket);
      this.#standing.served(waitedMs, this.#heldMs, this.#options.now());
      this.#options.onWaited(waitedMs / 1000);
      return { slot, waitedMs };
    } finally {
      this.#options.queue.leave(ticket);
      if (this.#line.length === 0) for (const one of [this.#standing, this.#time]) one.idle();
    }
  }

  /** Everybody who waits, in all workers, in their order. */
  list(): ReadonlyArray<Ticket & LinePlace> {
    const positions = new Map<string, number>();
    const places: Array<Ticket & LinePlace> = [];
    for (const ticket of this.#ordered()) {
      const position = (positions.get(ticket.model) ?? 0) + 1;
      positions.set(ticket.model, position);
      const entry = this.#line.byId(ticket.id)?.entry;
      const hosts = entry === undefined ? undefined : hostsOf(entry);
      places.push({ ...ticket, position, expectedWaitMs: this.#expectedWaitMs(position, ticket.model, hosts) });
    }
    return places;
  }

  stop(): void {
    clearTimeout(this.#pollTimer);
  }

  /** @throws DeciError when there is no place in the line, or no hope */
  #join(entry: Entry): Ticket {
    const { queue, now, random, maxWaitMs } = this.#options;
    const { caller, model, group } = entry;
    const { owner, priority } = caller;
    const waiting = this.#tickets();
    const times = this.#time.tag(caller, waiting);
    const ticket: Ticket = {
      id: random().toString(36).slice(2),
      model,
      group,
      owner,
      priority,
      ...times,
      sinceMs: now(),
    };
    const decision = decideDoor({
      waiting,
      capacity: queue.capacity,
      maxPerOwner: queue.maxPerOwner,
      owner,
      priority,
      expectedWaitMs: this.#expectedWaitMs(positionOf(ticket, waiting, this.#facts()), model, hostsOf(entry)),
      patienceMs: Math.min(maxWaitMs, entry.maxWaitMs ?? maxWaitMs),
    });
    if (decision.may === 'not') throw this.#refusal(decision.because);
    const victim = decision.may === 'replace' ? decision.victim : undefined;
    const joined = victim === undefined ? ticket : { ...ticket, evicts: victim.id };
    if (!queue.join(joined, victim)) throw this.#refusal('queue_full');
    return joined;
  }

  async #wait(ticket: Ticket, entry: Entry, signal: AbortSignal): Promise<S> {
    const { promise, resolve, reject } = Promise.withResolvers<S>();
    const waiter: Waiter<S> = { ticket, entry, placed: resolve, refused: reject, position: 0 };
    const leave = (error: unknown): void => {
      if (this.#line.remove(waiter)) reject(error);
    };
    const onAbort = (): void => leave(reasonOf(signal));
    const timer = setTimeout(
      () => leave(this.#refusal('queue_timeout')),
      Math.min(this.#options.maxWaitMs, entry.maxWaitMs ?? Number.POSITIVE_INFINITY),
    );
    signal.addEventListener('abort', onAbort);
    const { urgency } = entry;
    if (urgency !== undefined) urgency.onRaised = () => this.#raise(waiter, urgency.priority);
    const isAlone = !this.#line.hasModel(ticket.model);
    this.#line.add(waiter);
    // Others wait for this model on hosts that may be full when others are not.
    if (!isAlone) this.serve();
    this.#options.onWaiting(this.#line.length, this.#line.perPriority);
    this.#poll();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      if (urgency !== undefined) urgency.onRaised = undefined;
      signal.removeEventListener('abort', onAbort);
      this.#options.onWaiting(this.#line.length, this.#line.perPriority);
    }
  }

  /** Those of all workers, and those of this one that the others cannot see: their places are gone, and they join again. */
  #tickets(): Ticket[] {
    const seen = this.#options.queue.list();
    const ids = new Set(seen?.map(({ id }) => id));
    const tickets = [...(seen ?? [])];
    for (const waiter of this.#line.waiters()) {
      if (ids.has(waiter.ticket.id)) continue;
      if (seen === undefined || this.#options.queue.join(waiter.ticket, undefined)) tickets.push(waiter.ticket);
      else if (this.#line.remove(waiter)) waiter.refused(this.#refusal('queue_share'));
    }
    return tickets;
  }

  #ordered(tickets: readonly Ticket[] = this.#tickets()): Ticket[] {
    return orderTickets(tickets, this.#facts());
  }

  #facts(): OrderFacts {
    return { nowMs: this.#options.now(), isLoaded: this.#options.isLoaded };
  }

  /** Lets everybody try whose turn it is. */
  serve(): void {
    this.#servedAtMs = this.#options.now();
    const tickets = this.#tickets();
    this.#dropEvicted(tickets);
    this.#standing.looked(this.#heldMs, this.#servedAtMs);
    this.#dropLate(tickets.length);
    const unserved = new Set<string>();
    const positions = new Map<string, number>();
    for (const ticket of this.#ordered(tickets)) {
      const waiter = this.#line.byId(ticket.id);
      if (waiter === undefined) this.#turns.foreign(ticket);
      else if (!unserved.has(ticket.group)) {
        if (this.#isInTurn(waiter) && this.#serve(waiter)) continue;
        unserved.add(ticket.group);
      }
      const position = (positions.get(ticket.model) ?? 0) + 1;
      positions.set(ticket.model, position);
      if (waiter !== undefined) this.#tell(waiter, position);
    }
    this.#turns.endRound();
  }

  #isInTurn({ ticket: { group }, entry }: Waiter<S>): boolean {
    return !this.#turns.isHeldUp(group) || this.#turns.mayPass(group, () => this.#hasRoom(entry));
  }

  /** @returns whether the waiter has left the line */
  #serve(waiter: Waiter<S>): boolean {
    try {
      const slot = this.#options.take(waiter.entry);
      if (slot === undefined) return false;
      waiter.placed(slot);
    } catch (error) {
      waiter.refused(error);
    }
    // At once: until then his ticket would be taken for one of another worker.
    this.#options.queue.leave(waiter.ticket);
    return this.#line.remove(waiter);
  }

  #hasRoom({ hosts, model }: Entry): boolean {
    try {
      return hosts().some(host => this.#options.hasRoom(host, model));
    } catch {
      return false;
    }
  }

  #dropEvicted(tickets: readonly Ticket[]): void {
    for (const { evicts } of tickets) {
      const waiter = evicts === undefined ? undefined : this.#line.byId(evicts);
      if (waiter !== undefined && this.#line.remove(waiter)) waiter.refused(this.#refusal('queue_share'));
    }
  }

  /** Who waits interactively in a line that does not move has left already, or will. */
  #dropLate(waiting: number): void {
    const limitMs = this.#standing.limitMs(this.#heldMs);
    if (limitMs === Number.POSITIVE_INFINITY || waiting * 2 < this.#options.queue.capacity) return;
    const nowMs = this.#options.now();
    for (const waiter of this.#line.waiters()) {
      const isLate = waiter.ticket.priority === 'interactive' && nowMs - waiter.ticket.sinceMs > limitMs;
      if (isLate && this.#line.remove(waiter)) waiter.refused(this.#refusal('queue_timeout'));
    }
  }

  /** He keeps his times: among those of his new class he stands where he would have stood. */
  #raise(waiter: Waiter<S>, priority: Priority): void {
    if (!this.#line.remove(waiter)) return;
    waiter.ticket = { ...waiter.ticket, priority };
    this.#line.add(waiter);
    this.#options.queue.change(waiter.ticket);
    this.serve();
    this.#options.onWaiting(this.#line.length, this.#line.perPriority);
  }

  #tell(waiter: Waiter<S>, position: number): void {
    if (waiter.position === position) return;
    waiter.position = position;
    const { entry, ticket } = waiter;
    if (entry.onLine === undefined) return;
    entry.onLine({ position, expectedWaitMs: this.#expectedWaitMs(position, ticket.model, hostsOf(entry)) });
  }

  /** Until the one at this position has a slot. */
  #expectedWaitMs(position: number, model: string, hosts: readonly string[] | undefined): number | undefined {
    if (this.#holds < leastHolds) return undefined;
    return Math.round((position * this.#heldMs) / Math.max(1, this.#options.slotsOf(model, hosts)));
  }

  #poll(): void {
    if (this.#pollTimer !== undefined || this.#line.length === 0) return;
    const waitMs = pollMs + this.#options.random() * pollSpreadMs;
    this.#pollTimer = setTimeout(() => {
      this.#pollTimer = undefined;
      const isStale = Math.abs(this.#options.now() - this.#servedAtMs) >= lookAtLeastEveryMs;
      if (this.#options.queue.hasChanged() || isStale) this.serve();
      this.#poll();
    }, waitMs);
  }

  #refusal(code: 'queue_full' | 'queue_share' | 'queue_too_slow' | 'queue_timeout'): DeciError {
    this.#options.onRefused(code);
    const seconds = Math.ceil((this.#heldMs * (this.#line.length + 1) * (0.75 + this.#options.random() / 2)) / 1000);
    return new DeciError(code, { retryAfterSeconds: Math.min(maxRetryAfterSeconds, Math.max(1, seconds)) });
  }
}
