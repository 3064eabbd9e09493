/**
 * One breaker: counts how attempts end, says when it should open, and holds its state. Owner: the board of breakers.
 *
 * closed -> open       too many failures
 * open -> half_open    its time is over, or the host is heard of again
 * half_open -> closed  the one attempt that was let through began an answer
 * half_open -> open    it failed: for longer than before
 * any -> closed        reset by hand, or another worker saw it close
 */
export type BreakerState =
  | { readonly is: 'closed'; readonly sinceMs: number; readonly opens: number }
  | {
      readonly is: 'open' | 'half_open';
      readonly sinceMs: number;
      /** When it is half open at the latest. */
      readonly untilMs: number;
      /** How often in a row. */
      readonly opens: number;
      readonly cause: string;
    };

export interface BreakerLimits {
  /** Failures in a row that open it, and the least number of attempts of which half must fail. */
  readonly failures: number;
  /** The longest time it stays open. */
  readonly resetMs: number;
}

/** Why it should open, in the words of a journal record. */
export interface Verdict {
  readonly signal: 'consecutive_failures' | 'failure_rate' | 'silent' | 'generates_nothing';
  /** Failures, their part of all attempts, or ms of silence. */
  readonly value: number;
  readonly threshold: number | null;
}

const bucketMs = 10_000;
const buckets = 6;
const slowStartMs = 10_000;
/** Closed for so long, it has forgotten how often it opened. */
const forgetMs = 10 * 60_000;

interface Served {
  readonly owner: string;
  atMs: number;
}

export class Breaker {
  state: BreakerState = { is: 'closed', sinceMs: Number.NEGATIVE_INFINITY, opens: 0 };
  readonly #ok = new Uint32Array(buckets);
  readonly #failed = new Uint32Array(buckets);
  /** Of the successes, those the other workers were told of. */
  readonly #told = new Uint32Array(buckets);
  /** Whose answer came last, and whose last among all others. */
  #served: Served | undefined;
  #servedBefore: Served | undefined;
  #bucket = 0;
  #consecutive = 0;

  succeeded(nowMs: number, owner?: string): void {
    this.#consecutive = 0;
    addOne(this.#ok, this.#turn(nowMs));
    // Our own tries are served too, and prove nothing of any client's.
    if (owner === undefined) return;
    if (this.#served?.owner === owner) {
      this.#served.atMs = nowMs;
      return;
    }
    this.#servedBefore = this.#served;
    this.#served = { owner, atMs: nowMs };
  }

  /** @returns why it should open now, if it should */
  failed(nowMs: number, { failures }: BreakerLimits): Verdict | undefined {
    this.#consecutive++;
    addOne(this.#failed, this.#turn(nowMs));
    if (this.#consecutive >= failures) {
      return { signal: 'consecutive_failures', value: this.#consecutive, threshold: failures };
    }
    return undefined;
  }

  /** As far as this worker saw, after a failure. @returns why it should open now, if it should */
  rate({ failures }: BreakerLimits): Verdict | undefined {
    const failed = sum(this.#failed);
    const all = failed + sum(this.#ok);
    if (all < failures || failed * 2 < all) return undefined;
    return { signal: 'failure_rate', value: Math.round((failed / all) * 100) / 100, threshold: 0.5 };
  }

  /** The latest two of different owners, latest first. */
  get served(): readonly Served[] {
    return [this.#served, this.#servedBefore].filter(served => served !== undefined);
  }

  /** Whether anybody else had an answer within the window. */
  hasServedOthers(owner: string | undefined, nowMs: number): boolean {
    const isOther = (served: Served | undefined): boolean =>
      served !== undefined && served.owner !== owner && nowMs - served.atMs < buckets * bucketMs;
    return isOther(this.#served) || isOther(this.#servedBefore);
  }

  /** Successes that the other workers were not told of, by the ten seconds they are of. They are told now. */
  takeUntold(nowMs: number): { readonly period: number; readonly count: number }[] {
    this.#turn(nowMs);
    const untold = [];
    for (let period = this.#bucket - buckets + 1; period <= this.#bucket; period++) {
      const at = period % buckets;
      const count = (this.#ok[at] ?? 0) - (this.#told[at] ?? 0);
      this.#told[at] = this.#ok[at] ?? 0;
      if (count > 0) untold.push({ period, count });
    }
    return untold;
  }

  open(nowMs: number, cause: string, { resetMs }: BreakerLimits, random: () => number): void {
    const { is, sinceMs, opens } = this.state;
    const before = is === 'closed' && nowMs - sinceMs > forgetMs ? 0 : opens;
    const longestMs = Math.min(resetMs, (resetMs / 12) * 2 ** Math.min(before, 10));
    const untilMs = nowMs + longestMs * (0.5 + random() / 2);
    this.state = { is: 'open', sinceMs: nowMs, untilMs, opens: before + 1, cause };
    this.forget();
  }

  /** @returns whether it was open */
  halfOpen(nowMs: number): boolean {
    if (this.state.is !== 'open') return false;
    this.state = { ...this.state, is: 'half_open', sinceMs: nowMs };
    return true;
  }

  close(nowMs: number, opens = this.state.opens): void {
    this.state = { is: 'closed', sinceMs: nowMs, opens };
    this.forget();
  }

  /** What another worker saw. */
  adopt(state: BreakerState): void {
    this.state = state;
    this.forget();
  }

  /** From 0 to 1: how much of its usual share a host gets after it was closed. */
  share(nowMs: number): number {
    const { is, sinceMs, opens } = this.state;
    if (is !== 'closed' || opens === 0) return 1;
    return Math.min(1, Math.max(0, (nowMs - sinceMs) / slowStartMs));
  }

  /** Begins to count anew. */
  forget(): void {
    this.#consecutive = 0;
    this.#ok.fill(0);
    this.#told.fill(0);
    this.#failed.fill(0);
    this.#served = undefined;
    this.#servedBefore = undefined;
  }

  /** @returns where to count now; what is older than the window is gone */
  #turn(nowMs: number): number {
    const bucket = Math.floor(nowMs / bucketMs);
    const passed = Math.min(buckets, Math.abs(bucket - this.#bucket));
    for (let step = 0; step < passed; step++) {
      const at = (bucket - step + buckets * 2) % buckets;
      this.#ok[at] = 0;
      this.#told[at] = 0;
      this.#failed[at] = 0;
    }
    this.#bucket = bucket;
    return bucket % buckets;
  }
}

function addOne(counts: Uint32Array, at: number): void {
  counts[at] = (counts[at] ?? 0) + 1;
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
