/**
 * The virtual clock of the line: where the tickets of each owner start and end, in tokens. Owner: the gate of a worker. What is
 * remembered of owners who do not wait now is bounded; the tickets that wait, of all workers, are handed in.
 *
 * All classes go by one clock, so that a ticket that has risen stands among those of its new class by when it came; but what an
 * owner asked for in one class does not lie in front of what he asks for in another: else an urgent ticket behind much that is
 * not would take the clock along, past everybody who comes later.
 */
import type { Priority, Ticket } from './queue-order.ts';

const maxOwners = 10_000;

export class VirtualTime {
  /** Ends of what was given to each owner in each class; those who were given something longest ago first. */
  readonly #ends = new Map<string, number>();
  #now = 0;
  #lastFinish = 0;

  /** The times of a new ticket. */
  tag(
    { owner, priority, tokens }: { readonly owner: string; readonly priority: Priority; readonly tokens: number },
    waiting: readonly Ticket[],
  ): Pick<Ticket, 'start' | 'finish' | 'clock'> {
    let ownEnd = this.#ends.get(keyOf(owner, priority)) ?? 0;
    for (const ticket of waiting) {
      // Other workers serve the line too, and their tickets tell how far they are.
      if (ticket.clock > this.#now) this.#now = ticket.clock;
      if (ticket.owner === owner && ticket.priority === priority) ownEnd = Math.max(ownEnd, ticket.finish);
    }
    const start = Math.max(this.#now, ownEnd);
    return { start, finish: start + Math.max(1, tokens), clock: this.#now };
  }

  /** Nobody waits any more: who was served has no more debts than who was not. */
  idle(): void {
    this.#now = Math.max(this.#now, this.#lastFinish);
  }

  served({ owner, priority, start, finish }: Ticket): void {
    const key = keyOf(owner, priority);
    this.#now = Math.max(this.#now, start);
    this.#lastFinish = Math.max(this.#lastFinish, finish);
    this.#ends.delete(key);
    this.#ends.set(key, finish);
    if (this.#ends.size <= maxOwners) return;
    const [oldest] = this.#ends.keys();
    if (oldest !== undefined) this.#ends.delete(oldest);
  }
}

function keyOf(owner: string, priority: Priority): string {
  return `${priority} ${owner}`;
}
