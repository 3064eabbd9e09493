import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FailureClass } from './failure-class.ts';
import { decideRetry, type FailedAttempt } from './retry-decision.ts';
import { narrowed, type RetryPolicy, ruleFor, widened } from './retry-policy.ts';

const failed: FailedAttempt = {
  failure: 'failed',
  attempt: 1,
  untriedHosts: 0,
  retryAfterMs: undefined,
  remainingMs: 60_000,
  outageMs: 1,
  elapsedMs: 1,
  hasOld: () => false,
  draining: false,
  overloaded: false,
};

function retried(changes: Partial<FailedAttempt>, policy: Partial<RetryPolicy>): boolean {
  const whole = { attempts: null, also: [], never: [], ...policy };
  const settings = { maxAttempts: whole.attempts ?? 3, baseMs: 1000, capMs: 30_000, policy: whole };
  return decideRetry(
    { ...failed, ...changes },
    settings,
    () => 0,
    () => true,
  ).retry;
}

/** The table of a virtual model: what changes, and what may not. */
for (const [failure, policy, changes, expected] of [
  ['failed', {}, {}, true],
  ['failed', { never: ['failed'] }, {}, false],
  ['unreachable', { never: ['unreachable'] }, {}, false],
  ['stall_timeout', {}, {}, false],
  ['stall_timeout', { also: ['stall_timeout'] }, {}, true],
  ['stall_timeout', { also: ['stall_timeout'], never: ['stall_timeout'] }, {}, false],
  ['first_token_timeout', {}, { attempt: 2, untriedHosts: 1 }, false],
  ['first_token_timeout', { also: ['first_token_timeout'] }, { attempt: 2, untriedHosts: 1 }, true],
  ['invalid', {}, { attempt: 2 }, false],
  ['invalid', { also: ['invalid'] }, { attempt: 2 }, true],
  ['client_error', {}, { untriedHosts: 1 }, false],
  ['client_error', { also: ['client_error'] }, { untriedHosts: 1 }, true],
  ['client_error', { also: ['client_error'] }, { untriedHosts: 0 }, false],
  ['failed', { attempts: 1 }, {}, false],
  ['failed', { attempts: 2 }, { attempt: 2 }, false],
  ['failed', { attempts: 5 }, { attempt: 4 }, true],
  ['client_gone', { also: ['client_gone'] }, { untriedHosts: 1, draining: true }, false],
] as const satisfies ReadonlyArray<readonly [FailureClass, Partial<RetryPolicy>, Partial<FailedAttempt>, boolean]>) {
  test(`${failure} with ${JSON.stringify(policy)} and ${JSON.stringify(changes)}: ${expected ? 'again' : 'no'}`, () => {
    assert.equal(retried({ ...changes, failure }, policy), expected);
  });
}

test('what may be named says nothing of clients that left and of refusals of ours', () => {
  for (const never of ['client_gone', 'ours', 'total_timeout'] as const) {
    assert.ok(!(widened as readonly string[]).includes(never) && !narrowed.includes(never));
  }
  assert.equal(ruleFor('broken', undefined).retry, true);
});
