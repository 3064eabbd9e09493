/** What a model's owner says of retries, over what holds for all. Pure. */
import { type FailureClass, type FailureRule, failureRules } from './failure-class.ts';

export interface RetryPolicy {
  /** In total; null: as the settings say. */
  readonly attempts: number | null;
  /** Retried here, although they are not otherwise, or not as often. */
  readonly also: readonly string[];
  readonly never: readonly string[];
}

const manyAttempts = 10;

/** What `also` may name: nothing in it is about a client that has left, or a refusal of ours. */
export const widened = [
  'first_token_timeout',
  'stall_timeout',
  'invalid',
  'client_error',
  'model_missing',
] as const satisfies readonly FailureClass[];

/** What `never` may name: whatever is retried, by itself or by `also`. */
export const narrowed: readonly FailureClass[] = (Object.keys(failureRules) as FailureClass[]).filter(
  failure => failureRules[failure].retry,
);

/** `never` wins. What no host should be asked twice for is asked of others only. */
export function ruleFor(failure: FailureClass, policy: RetryPolicy | undefined): FailureRule {
  const rule = failureRules[failure];
  if (policy === undefined) return rule;
  if (policy.never.includes(failure)) return { ...rule, retry: false };
  if (!policy.also.includes(failure)) return rule;
  return { ...rule, retry: true, sameHost: rule.retry, attempts: manyAttempts };
}
