/**
 * Whose turn it is when some of those who wait do so in other workers: whoever stands behind one of them leaves the slot to
 * him, but not for ever. A worker that is stopped or busy must not keep a slot from everybody. Owner: the gate of a worker.
 */
import type { Ticket } from './queue-order.ts';

/** Workers ask for free slots every 15 ms at the latest. */
const graceMs = 100;

export class TicketTurns {
  readonly #now: () => number;
  /** Since when the ticket at the front has left a free slot alone, by group: others wait for something else. */
  readonly #idle = new Map<string, { readonly id: string; readonly sinceMs: number }>();
  /** Of this round: the first ticket of another worker, by group. */
  readonly #front = new Map<string, string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  foreign({ group, id }: Ticket): void {
    if (!this.#front.has(group)) this.#front.set(group, id);
  }

  isHeldUp(group: string): boolean {
    return this.#front.has(group);
  }

  /** @param hasRoom whether a slot is free; asked only when somebody of another worker is in front */
  mayPass(group: string, hasRoom: () => boolean): boolean {
    const id = this.#front.get(group);
    if (id === undefined) return false;
    const idle = this.#idle.get(group);
    if (idle?.id === id && this.#now() - idle.sinceMs < graceMs) return false;
    if (!hasRoom()) {
      this.#idle.delete(group);
      return false;
    }
    if (idle?.id === id) return true;
    this.#idle.set(group, { id, sinceMs: this.#now() });
    return false;
  }

  endRound(): void {
    for (const group of this.#idle.keys()) if (!this.#front.has(group)) this.#idle.delete(group);
    this.#front.clear();
  }
}
