/** A clock that moves only when told to, for tests of what waits. */
import type { Timing } from './timing.ts';

interface Due {
  atMs: number;
  run(): void;
}

export class ManualTiming implements Timing {
  #nowMs = 1_000_000;
  #due: Due[] = [];

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise<void>(resolve => {
      const cancel = this.later(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  later(ms: number, run: () => void): () => void {
    const due = { atMs: this.#nowMs + ms, run };
    this.#due.push(due);
    return () => {
      this.#due = this.#due.filter(other => other !== due);
    };
  }

  /** Runs what falls due within `ms`, in order. */
  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#due.filter(one => one.atMs <= this.#nowMs).sort((left, right) => left.atMs - right.atMs);
    this.#due = this.#due.filter(one => one.atMs > this.#nowMs);
    for (const one of due) one.run();
  }
}
