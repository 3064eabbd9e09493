/**
 * Who is next in the line, over all workers. Pure: tickets and a time in, an order out, the same in every worker.
 *
 * - Classes: interactive before batch before background; whoever has waited for long enough counts as one class higher, so
 *   that none starves.
 * - Inside a class by virtual time, as in start-time fair queueing (Goyal, Vin, Cheng 1996): a ticket starts where the last one
 *   of its owner ends, and is as long as the tokens it will probably cost. Whoever asks for much waits behind himself.
 * - Tickets for a model that no host has in memory stand behind those of their class whose model is, until they are old: models
 *   are not swapped to and fro.
 */

export const priorities = ['interactive', 'batch', 'background'] as const;
export type Priority = (typeof priorities)[number];

/** What a caller says of himself when he joins the line. */
export interface Caller {
  /** Whose share of the line and of the hosts it comes from: the id of a principal. */
  readonly owner: string;
  readonly priority: Priority;
  /** Tokens that it will probably take to read and to write. */
  readonly tokens: number;
}

export interface Ticket {
  /** Unique over all workers. */
  readonly id: string;
  readonly model: string;
  /** Those of one group wait for the same hosts and model. */
  readonly group: string;
  readonly owner: string;
  readonly priority: Priority;
  /** Virtual times, in tokens. */
  readonly start: number;
  readonly finish: number;
  /** Where the virtual clock of its worker was. */
  readonly clock: number;
  /** Wall clock, since several processes compare it. */
  readonly sinceMs: number;
  /** The ticket whose place this one was given. */
  readonly evicts?: string | undefined;
}

/** Waiting for so long raises a ticket by one class. */
const risesAfterMs = 30_000;
/** For so long a ticket stands behind those whose model is in memory. */
const coldMs = 10_000;

export interface OrderFacts {
  readonly nowMs: number;
  /** Whether some host has the model in memory. */
  readonly isLoaded: (model: string) => boolean;
}

/** @returns the tickets in the order in which they should be served */
export function orderTickets(tickets: readonly Ticket[], { nowMs, isLoaded }: OrderFacts): Ticket[] {
  const loaded = new Map<string, boolean>();
  const isWarm = ({ model }: Ticket, waitedMs: number): boolean => {
    if (waitedMs >= coldMs) return true;
    let known = loaded.get(model);
    if (known === undefined) {
      known = isLoaded(model);
      loaded.set(model, known);
    }
    return known;
  };
  // One list for each rank: to sort few is cheaper, and what comes sorted, as from one owner, costs next to nothing.
  const ranks: Ticket[][] = priorities.flatMap(() => [[], []]);
  for (const ticket of tickets) {
    const waitedMs = Math.max(0, nowMs - ticket.sinceMs);
    ranks[rankOf(ticket, waitedMs, isWarm(ticket, waitedMs))]?.push(ticket);
  }
  return ranks.flatMap(rank => rank.sort(compare));
}

/** Among those who wait for its model, from 1: as `orderTickets` would have it, without ordering all of them. */
export function positionOf(ticket: Ticket, waiting: readonly Ticket[], { nowMs, isLoaded }: OrderFacts): number {
  const isModelLoaded = isLoaded(ticket.model);
  const rank = (of: Ticket): number => {
    const waitedMs = Math.max(0, nowMs - of.sinceMs);
    return rankOf(of, waitedMs, isModelLoaded || waitedMs >= coldMs);
  };
  const own = rank(ticket);
  let position = 1;
  for (const other of waiting) {
    if (other.model !== ticket.model) continue;
    const ahead = rank(other) - own;
    if (ahead < 0 || (ahead === 0 && compare(other, ticket) < 0)) position++;
  }
  return position;
}

/** The class first, by which it has risen; then whether its model is in memory. */
function rankOf({ priority }: Ticket, waitedMs: number, isWarm: boolean): number {
  const level = Math.max(0, levels[priority] - Math.floor(waitedMs / risesAfterMs));
  return level * 2 + Number(!isWarm);
}

/** The most urgent is 0. */
export const levels: Readonly<Record<Priority, number>> = { interactive: 0, batch: 1, background: 2 };

function compare(a: Ticket, b: Ticket): number {
  return a.start - b.start || a.sinceMs - b.sinceMs || (a.id < b.id ? -1 : 1);
}
