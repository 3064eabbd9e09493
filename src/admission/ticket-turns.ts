/**
 * Whose turn it is when some of those who wait do so in other workers: whoever stands behind one of them leaves the slot to
 * him, but not for ever. A worker that is stopped or busy must not keep a slot from everybody. Owner: the gate of a worker.
 */
import type { Ticket } from './queue-order.ts';

/** Workers ask for free slots every 15 ms at the latest. */
const graceMs = 100;

export class TicketTurns {
  readonly #now: () => number;
  /** Since when the ticket at the front has left a free slot of its model alone. */
  readonly #idle = new Map<string, { readonly id: string; readonly sinceMs: number }>();
  /** Of this round: the first ticket of another worker, by model. */
  readonly #front = new Map<string, string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  foreign({ model, id }: Ticket): void {
    if (!this.#front.has(model)) this.#front.set(model, id);
  }

  isHeldUp(model: string): boolean {
    return this.#front.has(model);
  }

  /** @param hasRoom whether a slot is free; asked only when somebody of another worker is in front */
  mayPass(model: string, hasRoom: () => boolean): boolean {
    const id = this.#front.get(model);
    if (id === undefined) return false;
    const idle = this.#idle.get(model);
    if (idle?.id === id && this.#now() - idle.sinceMs < graceMs) return false;
    if (!hasRoom()) {
      this.#idle.delete(model);
      return false;
    }
    if (idle?.id === id) return true;
    this.#idle.set(model, { id, sinceMs: this.#now() });
    return false;
  }

  endRound(): void {
    for (const model of this.#idle.keys()) if (!this.#front.has(model)) this.#idle.delete(model);
    this.#front.clear();
  }
}
