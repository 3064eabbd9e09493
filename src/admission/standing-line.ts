/**
 * Tells a line that stands from one that is only long for a moment, by the shortest wait in a while, as CoDel does (Nichols,
 * Jacobson 2012), with times of language models: how long a slot is held is the measure. Pure but for what it remembers.
 */
const leastTargetMs = 10_000;
const targetInHolds = 4;
const intervalInTargets = 10;

export class StandingLine {
  #shortestMs = Number.POSITIVE_INFINITY;
  #intervalEndsMs: number | undefined;
  #stands = false;

  /** Of everybody who is served, also those who did not wait. */
  served(waitedMs: number, heldMs: number, nowMs: number): void {
    this.#shortestMs = Math.min(this.#shortestMs, waitedMs);
    if (waitedMs <= targetOf(heldMs)) this.#stands = false;
    this.looked(heldMs, nowMs);
  }

  /** Also while nobody is served: then nobody's wait is short. */
  looked(heldMs: number, nowMs: number): void {
    this.#intervalEndsMs ??= nowMs + targetOf(heldMs) * intervalInTargets;
    if (nowMs < this.#intervalEndsMs) return;
    this.#stands = this.#shortestMs > targetOf(heldMs);
    this.#shortestMs = Number.POSITIVE_INFINITY;
    this.#intervalEndsMs = nowMs + targetOf(heldMs) * intervalInTargets;
  }

  /** Nobody waits. */
  idle(): void {
    this.#stands = false;
    this.#intervalEndsMs = undefined;
    this.#shortestMs = Number.POSITIVE_INFINITY;
  }

  /** How long somebody may wait now; infinite while the line moves. */
  limitMs(heldMs: number): number {
    return this.#stands ? 2 * targetOf(heldMs) : Number.POSITIVE_INFINITY;
  }
}

function targetOf(heldMs: number): number {
  return Math.max(leastTargetMs, targetInHolds * heldMs);
}
