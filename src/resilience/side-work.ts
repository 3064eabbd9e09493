/**
 * What a round begins and does not wait for, so that one host that hangs keeps it from none of the others: at most one piece for
 * a name, each with a deadline where it waits, and all of it given up at the end. Owner: whoever has the round.
 */
import { withDeadline } from '../kernel/deadline.ts';
import { DeciError } from '../kernel/errors.ts';

export class SideWork {
  readonly #running = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  readonly #onFailure: (error: unknown) => void;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get isGivenUp(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Fires when all is given up. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Nothing when there is some for that name, and when all is given up. */
  begin(name: string, work: () => Promise<void>): void {
    if (this.isGivenUp || this.#running.has(name)) return;
    const told = work().catch((error: unknown) => {
      if (!this.isGivenUp) this.#onFailure(error);
    });
    this.#running.set(
      name,
      told.finally(() => this.#running.delete(name)),
    );
  }

  /** @param work gets a signal that fires with `first_token_timeout` when its time is over, and when all is given up */
  within<T>(maxMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(maxMs, async deadline => {
      const both = new AbortController();
      const end = (): void => both.abort(new DeciError('first_token_timeout'));
      deadline.addEventListener('abort', end);
      this.#abort.signal.addEventListener('abort', end);
      try {
        return await work(both.signal);
      } finally {
        this.#abort.signal.removeEventListener('abort', end);
      }
    });
  }

  /** Gives up all of it at once, and resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#abort.abort(new DeciError('draining'));
    await Promise.all(this.#running.values());
  }
}
