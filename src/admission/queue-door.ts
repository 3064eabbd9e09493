/** Who may join the line, and instead of whom. Pure. */
import { levels, type Priority, type Ticket } from './queue-order.ts';

export interface DoorFacts {
  readonly waiting: readonly Ticket[];
  /** Places in the line. */
  readonly capacity: number;
  /** Of one owner, while others wait. */
  readonly maxPerOwner?: number | undefined;
  readonly owner: string;
  readonly priority: Priority;
  /** How long it will probably take until the newcomer has a slot; undefined when nobody knows. */
  readonly expectedWaitMs: number | undefined;
  /** How long the newcomer can wait. */
  readonly patienceMs: number;
}

export type DoorDecision =
  | { readonly may: 'join' }
  /** The line is full, and the victim's owner has more than his share of it, or is the newcomer's, and less urgent. */
  | { readonly may: 'replace'; readonly victim: Ticket }
  | { readonly may: 'not'; readonly because: 'queue_full' | 'queue_share' | 'queue_too_slow' };

/**
 * A line that is full is shared out: whoever has less than an equal part of it takes the last place of whoever has most, and what is
 * urgent that of what is less so, of the same owner. Somebody who is alone has all of it. One who could not be served in his time is told so at once.
 */
export function decideDoor(facts: DoorFacts): DoorDecision {
  const { waiting, capacity, owner, expectedWaitMs, patienceMs } = facts;
  const counts = countByOwner(waiting);
  const own = counts.get(owner) ?? 0;
  if (own < waiting.length && own >= (facts.maxPerOwner ?? Number.POSITIVE_INFINITY)) {
    return { may: 'not', because: 'queue_share' };
  }
  if (expectedWaitMs !== undefined && expectedWaitMs > patienceMs) {
    const isOwnFault = counts.size > 1 && own * 2 > waiting.length;
    return { may: 'not', because: isOwnFault ? 'queue_share' : 'queue_too_slow' };
  }
  return waiting.length < capacity ? { may: 'join' } : decideFull(facts, counts);
}

function decideFull(
  { waiting, capacity, owner, priority }: DoorFacts,
  counts: ReadonlyMap<string, number>,
): DoorDecision {
  const owners = counts.has(owner) ? counts.size : counts.size + 1;
  const share = Math.max(1, Math.floor(capacity / owners));
  if ((counts.get(owner) ?? 0) >= share) {
    const victim = lastOf(waiting, owner);
    if (victim !== undefined && levels[victim.priority] > levels[priority]) return { may: 'replace', victim };
    return { may: 'not', because: owners > 1 ? 'queue_share' : 'queue_full' };
  }
  let greediest = { owner: '', count: 0 };
  for (const [name, count] of counts) if (count > greediest.count) greediest = { owner: name, count };
  const victim = greediest.count <= share ? undefined : lastOf(waiting, greediest.owner);
  return victim === undefined ? { may: 'not', because: 'queue_full' } : { may: 'replace', victim };
}

function countByOwner(waiting: readonly Ticket[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const ticket of waiting) counts.set(ticket.owner, (counts.get(ticket.owner) ?? 0) + 1);
  return counts;
}

/** The least urgent, and of those the one that ends last. */
function lastOf(waiting: readonly Ticket[], owner: string): Ticket | undefined {
  let last: Ticket | undefined;
  for (const ticket of waiting) {
    if (ticket.owner !== owner) continue;
    const behind = last === undefined ? 1 : levels[ticket.priority] - levels[last.priority];
    if (behind > 0 || (behind === 0 && last !== undefined && ticket.finish > last.finish)) last = ticket;
  }
  return last;
}
