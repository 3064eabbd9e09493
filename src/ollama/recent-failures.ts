/** How often a host failed a moment ago. One that fails fast is idle all the time, and would attract everything. Bounded. */
const windowMs = 10_000;
const maxKept = 16;
/** A single failure may be the request's own. */
const failingFrom = 2;

export class RecentFailures {
  readonly #atMs: number[] = [];

  note(atMs: number): void {
    this.#atMs.push(atMs);
    if (this.#atMs.length > maxKept) this.#atMs.shift();
  }

  isFailing(atMs: number): boolean {
    const decisive = this.#atMs.at(-failingFrom);
    return decisive !== undefined && atMs - decisive < windowMs;
  }
}
