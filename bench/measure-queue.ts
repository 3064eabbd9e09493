/**
 * What it costs to decide who is next, and whether a newcomer may join, with 100 tickets of all workers and 10,000 known owners: the
 * dearer of the two decisions.
 */
import { decideDoor } from '../src/admission/queue-door.ts';
import { orderTickets, positionOf, priorities, type Ticket } from '../src/admission/queue-order.ts';
import { VirtualTime } from '../src/admission/virtual-time.ts';
import type { Bench, Result } from './measure.ts';
import { quantile } from './statistics.ts';

const maxUs = 50;
const waiting = 100;
const owners = 10_000;
const models = 5;

export async function measureQueue({ quick }: Bench): Promise<Result[]> {
  const time = new VirtualTime();
  const ticket = (index: number, others: readonly Ticket[]): Ticket => {
    const owner = `key-${index % owners}`;
    const model = `model-${index % models}`;
    const priority = priorities[index % priorities.length] ?? 'interactive';
    const times = time.tag({ owner, priority, tokens: 500 + (index % 1000) }, others);
    return { id: String(index), model, group: model, owner, priority, ...times, sinceMs: index };
  };
  for (let index = 0; index < owners; index++) time.served(ticket(index, []));
  const line: Ticket[] = [];
  while (line.length < waiting) line.push(ticket(line.length * 7, line));
  const isLoaded = (model: string): boolean => model !== 'model-0';
  const times = quick ? 20_000 : 100_000;
  const next: number[] = [];
  const door: number[] = [];
  for (let index = 0; index < times; index++) {
    const facts = { nowMs: 1000 + index, isLoaded };
    const startedAt = performance.now();
    const [first] = orderTickets(line, facts);
    const decidedAt = performance.now();
    next.push((decidedAt - startedAt) * 1000);
    const newcomer = ticket(index * 13, line);
    const place = positionOf(newcomer, line, facts);
    const { owner, priority } = newcomer;
    decideDoor({ waiting: line, capacity: waiting, owner, priority, expectedWaitMs: place, patienceMs: 1000 });
    door.push((performance.now() - decidedAt) * 1000);
    if (first === undefined) throw new Error('nobody is next');
    time.served(first);
    line[line.findIndex(({ id }) => id === first.id)] = { ...newcomer, sinceMs: 1000 + index };
  }
  // The first are those of a program that was not compiled yet.
  const warm = [next, door].map(took => took.slice(times / 10));
  const p50 = Math.max(...warm.map(took => quantile(took, 0.5)));
  const p99 = Math.max(...warm.map(took => quantile(took, 0.99)));
  return [
    {
      name: 'queue',
      measure: `decide who is next, or may join: ${waiting} wait, ${owners} owners known`,
      bar: `p99 <= ${maxUs} us`,
      value: `p50 ${p50.toFixed(1)} us, p99 ${p99.toFixed(1)} us`,
      spread: '',
      passed: p99 <= maxUs,
      notes: [],
      data: { p50, p99 },
    },
  ];
}
