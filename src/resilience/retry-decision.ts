/** Whether a failed attempt is followed by another, and when. Pure: what it depends on is handed in. */
import type { FailureClass } from './failure-class.ts';
import { type RetryPolicy, ruleFor } from './retry-policy.ts';

export interface RetrySettings {
  /** Attempts in total; 1 never retries. */
  readonly maxAttempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** Of the model that is asked for, where it has one. */
  readonly policy?: RetryPolicy | undefined;
}

export interface FailedAttempt {
  readonly failure: FailureClass;
  /** 1 for the first. */
  readonly attempt: number;
  /** Hosts that may be asked and have not been. */
  readonly untriedHosts: number;
  /** What the host itself asked us to wait. */
  readonly retryAfterMs: number | undefined;
  /** Until the client's time is over. */
  readonly remainingMs: number;
  /** How long all hosts have been out of reach; 0 when one is within it, undefined when none ever was. */
  readonly outageMs: number | undefined;
  /** Since the request began. */
  readonly elapsedMs: number;
  /** Whether there is an old answer, which is better than a long wait. Asked only when it decides. */
  readonly hasOld: () => boolean;
  readonly draining: boolean;
  /** Most hosts refuse most of what they are sent. */
  readonly overloaded: boolean;
}

export type NoRetry = 'not_retryable' | 'exhausted' | 'deadline' | 'draining' | 'overloaded' | 'budget';

export type RetryDecision =
  | { readonly retry: true; readonly afterMs: number }
  | { readonly retry: false; readonly because: NoRetry };

/** @param spend takes a retry from the budget; asked last, so that nothing is taken for a retry that is not made */
export function decideRetry(
  failed: FailedAttempt,
  settings: RetrySettings,
  random: () => number,
  spend: () => boolean,
): RetryDecision {
  const because = refusal(failed, settings);
  if (because !== undefined) return { retry: false, because };
  const afterMs = pauseMs(failed, settings, random);
  if (afterMs >= failed.remainingMs) return { retry: false, because: 'deadline' };
  const { budgeted } = ruleFor(failed.failure, settings.policy);
  if (!budgeted && isLong(failed, afterMs) && failed.hasOld()) return { retry: false, because: 'exhausted' };
  if (budgeted && !spend()) return { retry: false, because: 'budget' };
  return { retry: true, afterMs };
}

/** For how long an outage is waited out by whoever can be told something else. */
const shortPatienceMs = 1000;

/** Whether the outage, or the wait for its end, would be a long one with another pause. */
function isLong({ outageMs = 0, elapsedMs }: FailedAttempt, afterMs: number): boolean {
  return Math.max(outageMs, elapsedMs) + afterMs > shortPatienceMs;
}

/** For how long an outage is waited out: as long as every pause would be at its longest, and one more. */
export function patienceMs({ maxAttempts, baseMs, capMs }: RetrySettings): number {
  return maxAttempts <= 1 ? 0 : Math.min(capMs, baseMs * 2 ** maxAttempts);
}

function refusal(failed: FailedAttempt, settings: RetrySettings): NoRetry | undefined {
  const { failure, attempt, untriedHosts, draining, overloaded } = failed;
  const rule = ruleFor(failure, settings.policy);
  if (!rule.retry || settings.maxAttempts <= 1) return 'not_retryable';
  if (!hasAttemptsLeft(failed, settings)) return 'exhausted';
  if (untriedHosts === 0 && !rule.sameHost) return 'exhausted';
  if (draining) return 'draining';
  if (failure === 'resting' && attempt === 1 && !isBrief(failed, settings)) return 'exhausted';
  return overloaded ? 'overloaded' : undefined;
}

/**
 * A request that finds everything shut is refused at once, unless the hosts went away just now: breakers open within
 * milliseconds, and a restart of the only host is no reason to refuse whoever asks meanwhile.
 */
function isBrief({ outageMs }: FailedAttempt, { baseMs }: RetrySettings): boolean {
  return outageMs !== undefined && outageMs > 0 && outageMs < 2.5 * baseMs;
}

function hasAttemptsLeft(failed: FailedAttempt, settings: RetrySettings): boolean {
  const { failure, attempt, outageMs, elapsedMs } = failed;
  const { budgeted, attempts } = ruleFor(failure, settings.policy);
  // Dialling costs nothing, so that time bounds it instead of a number.
  if (!budgeted) return outageMs !== undefined && Math.max(outageMs, elapsedMs) < patienceMs(settings);
  return attempt < Math.min(attempts, settings.maxAttempts);
}

function pauseMs(failed: FailedAttempt, { baseMs, capMs, policy }: RetrySettings, random: () => number): number {
  const { failure, attempt, untriedHosts, retryAfterMs } = failed;
  const rule = ruleFor(failure, policy);
  if (!rule.budgeted) return Math.min(capMs, baseMs / 4) * (1 + random());
  if (attempt === 1 && (untriedHosts > 0 || rule.atOnce)) return 0;
  const jitteredMs = random() * Math.min(capMs, baseMs * 2 ** (attempt - 1));
  return untriedHosts > 0 ? jitteredMs : Math.max(jitteredMs, Math.min(capMs, retryAfterMs ?? 0));
}
