/**
 * Breakers that would open for one client's failures alone. A server that answers, and says that it failed, may serve others: they are
 * heard of before it is left alone, which takes the other workers a moment. Owner: the board of breakers.
 */
import type { Verdict } from './breaker.ts';
import type { FailureSource } from './failure-rate.ts';

export interface Suspicion {
  readonly name: string;
  readonly source: FailureSource;
  readonly cause: string;
  readonly verdict: Verdict | undefined;
}

/** What all workers have told. */
interface Witnesses {
  doOthersFail(name: string, source: FailureSource): boolean;
  areOthersServed(name: string, source: FailureSource): boolean;
}

/** By then every worker has told whom it serves. */
const toldWithinMs = 600;

export class Suspects {
  readonly #witnesses: Witnesses;
  readonly #nowMs: () => number;
  readonly #suspected = new Map<string, { readonly suspicion: Suspicion; readonly dueMs: number }>();

  constructor(witnesses: Witnesses, nowMs: () => number) {
    this.#witnesses = witnesses;
    this.#nowMs = nowMs;
  }

  /** @returns whether the others are to be heard first; false where there is nothing to suspect, or it fails for others too */
  waits(suspicion: Suspicion): boolean {
    const { name, source, verdict } = suspicion;
    if (verdict === undefined || this.#witnesses.doOthersFail(name, source)) return false;
    if (!this.#suspected.has(name)) this.#suspected.set(name, { suspicion, dueMs: this.#nowMs() + toldWithinMs });
    return true;
  }

  /** Somebody was served, or it is open. */
  delete(name: string): void {
    this.#suspected.delete(name);
  }

  /**
   * @param failing the names whose row no worker has ended
   * @returns those for which nobody has spoken by now; each once
   */
  guilty(failing: ReadonlySet<string>): readonly Suspicion[] {
    const due = [...this.#suspected.values()].filter(({ dueMs }) => dueMs <= this.#nowMs());
    for (const { suspicion } of due) this.#suspected.delete(suspicion.name);
    return due
      .map(({ suspicion }) => suspicion)
      .filter(({ name, source }) => failing.has(name) && !this.#witnesses.areOthersServed(name, source));
  }
}
