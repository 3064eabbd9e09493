/**
 * How urgent an answer is that several may want: as for the one of them who wants it most. It only rises. Owner: the flight.
 * Whoever waits in the line for the sake of it listens for as long, and only one does at a time.
 */
import { type Priority, priorities } from '../admission/queue-order.ts';

export class Urgency {
  /** Told when it has risen. */
  onRaised: (() => void) | undefined;
  #priority: Priority;

  constructor(priority: Priority) {
    this.#priority = priority;
  }

  get priority(): Priority {
    return this.#priority;
  }

  /** Whether it would make a difference now that somebody wants it more. */
  get isOpen(): boolean {
    return this.onRaised !== undefined && this.#priority !== priorities[0];
  }

  /** @param to what is no class, or a lower one, changes nothing */
  raise(to: string): void {
    const raised = priorities.find(priority => priority === to);
    if (raised === undefined || priorities.indexOf(raised) >= priorities.indexOf(this.#priority)) return;
    this.#priority = raised;
    this.onRaised?.();
  }
}
