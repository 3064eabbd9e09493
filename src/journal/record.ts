/** What is written down of every episode in which Deci healed something, or would have. */

export type HealingResult = 'healed' | 'no_effect' | 'worse' | 'suppressed' | 'dry_run';

export interface Trigger {
  /** What was seen, in one word of a metric: `holder_gone`. */
  readonly signal: string;
  readonly value: number | string | null;
  /** Above it, or where it is this, something is done. */
  readonly threshold: number | string | null;
}

/** One per episode for the whole cluster. Written before the action begins, completed when it is over. */
export interface JournalRecord {
  /** Later records have greater ids. */
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly healer: string;
  readonly trigger: Trigger;
  /** Why this was done, in a sentence. */
  readonly decision: string;
  readonly action: string;
  readonly target: string;
  /** Null while it is under way. */
  readonly result: HealingResult | null;
  readonly duration_ms: number | null;
  readonly requests_affected: number | null;
  /** What else it is about: ids of requests, of other records. */
  readonly ids: readonly string[];
}

export interface Outcome {
  readonly result: HealingResult;
  readonly duration_ms: number;
  /** Requests that failed or waited for what was wrong; null where nobody can know. */
  readonly requests_affected: number | null;
}
