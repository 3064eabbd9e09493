/**
 * The virtual clock of the line: where the tickets of each owner start and end, in tokens. Owner: the gate of a worker. What is
 * remembered of owners who do not wait now is bounded; the tickets that wait, of all workers, are handed in.
 */
import type { Ticket } from './queue-order.ts';

const maxOwners = 10_000;

export class VirtualTime {
  /** Ends of what was given to each owner; those who were given something longest ago first. */
  readonly #ends = new Map<string, number>();
  #now = 0;

  /** The times of a new ticket. */
  tag(owner: string, tokens: number, waiting: readonly Ticket[]): Pick<Ticket, 'start' | 'finish' | 'clock'> {
    let ownEnd = this.#ends.get(owner) ?? 0;
    for (const ticket of waiting) {
      // Other workers serve the line too, and their tickets tell how far they are.
      if (ticket.clock > this.#now) this.#now = ticket.clock;
      if (ticket.owner === owner && ticket.finish > ownEnd) ownEnd = ticket.finish;
    }
    const start = Math.max(this.#now, ownEnd);
    return { start, finish: start + Math.max(1, tokens), clock: this.#now };
  }

  served({ owner, start, finish }: Ticket): void {
    this.#now = Math.max(this.#now, start);
    this.#ends.delete(owner);
    this.#ends.set(owner, finish);
    if (this.#ends.size <= maxOwners) return;
    const [oldest] = this.#ends.keys();
    if (oldest !== undefined) this.#ends.delete(oldest);
  }
}
