/** Waits for what no event tells, with a bound: the state of another process. */
import { setTimeout as pause } from 'node:timers/promises';

const pollMs = 25;

/** @throws when it does not hold in time */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(pollMs);
  }
}
