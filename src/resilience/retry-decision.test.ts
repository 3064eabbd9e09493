import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRetry, type FailedAttempt, patienceMs, type RetryDecision } from './retry-decision.ts';

const settings = { maxAttempts: 3, baseMs: 1000, capMs: 30_000 };
const failed: FailedAttempt = {
  failure: 'broken',
  attempt: 1,
  untriedHosts: 0,
  retryAfterMs: undefined,
  remainingMs: 60_000,
  outageMs: 0,
  elapsedMs: 0,
  hasOld: () => false,
  draining: false,
  overloaded: false,
};

function decide(changes: Partial<FailedAttempt>, random = 0.5, more: Partial<typeof settings> = {}): RetryDecision {
  return decideRetry(
    { ...failed, ...changes },
    { ...settings, ...more },
    () => random,
    () => true,
  );
}
const after = (decision: RetryDecision): number | string => (decision.retry ? decision.afterMs : decision.because);

test('another host is asked at once, the same one after a random pause that doubles', () => {
  assert.equal(after(decide({ failure: 'failed', untriedHosts: 1 })), 0);
  assert.equal(after(decide({ failure: 'failed' })), 500);
  assert.equal(after(decide({ failure: 'failed', attempt: 2 })), 1000);
  assert.equal(after(decide({ failure: 'failed' }, 0)), 0);
  assert.equal(after(decide({ failure: 'failed', attempt: 2 }, 0.99)), 1980);
  assert.equal(after(decide({ failure: 'failed', attempt: 8 }, 0.5, { maxAttempts: 10 })), 15_000, 'up to the cap');
});

test('a connection that broke is tried once more without a pause, then with one', () => {
  assert.equal(after(decide({})), 0);
  assert.equal(after(decide({ attempt: 2 })), 1000);
});

test('the third attempt is the last', () => {
  assert.equal(after(decide({ attempt: 3 })), 'exhausted');
  assert.equal(after(decide({ attempt: 2, failure: 'invalid' })), 'exhausted', 'a class may allow fewer');
  assert.equal(after(decide({}, 0.5, { maxAttempts: 1 })), 'not_retryable');
});

test('silence is taken to another host only, once', () => {
  for (const failure of ['first_token_timeout', 'stall_timeout'] as const) {
    assert.equal(after(decide({ failure })), 'exhausted');
    assert.equal(after(decide({ failure, untriedHosts: 1 })), 0);
    assert.equal(after(decide({ failure, untriedHosts: 1, attempt: 2 })), 'exhausted');
  }
});

test('what a busy host asks for is waited, up to the cap; another host is not made to wait for it', () => {
  assert.equal(after(decide({ failure: 'busy', retryAfterMs: 7000 })), 7000);
  assert.equal(after(decide({ failure: 'busy', retryAfterMs: 90_000 })), 30_000);
  assert.equal(after(decide({ failure: 'busy', retryAfterMs: 7000, untriedHosts: 1 })), 0);
});

test('nothing is tried that the client would not live to see', () => {
  assert.equal(after(decide({ failure: 'failed', remainingMs: 500 })), 'deadline');
  assert.equal(after(decide({ failure: 'failed', remainingMs: 501 })), 500);
});

test('nothing is tried while leaving, nor when most hosts have too much to do', () => {
  assert.equal(after(decide({ draining: true })), 'draining');
  assert.equal(after(decide({ overloaded: true })), 'overloaded');
});

test('the budget is asked last, and only where something was sent', () => {
  const spent: string[] = [];
  const spend = (failure: FailedAttempt['failure'], remainingMs = 60_000) =>
    decideRetry(
      { ...failed, failure, remainingMs, outageMs: 1 },
      settings,
      () => 0.5,
      () => {
        spent.push(failure);
        return false;
      },
    );
  assert.equal(after(spend('failed')), 'budget');
  assert.equal(after(spend('failed', 1)), 'deadline');
  assert.equal(after(spend('client_error')), 'not_retryable');
  assert.equal(spend('unreachable').retry, true);
  assert.deepEqual(spent, ['failed']);
});

test('a host that went away is waited for a while, one that never was there not at all', () => {
  assert.equal(patienceMs(settings), 8000);
  assert.equal(after(decide({ failure: 'unreachable', outageMs: undefined })), 'exhausted');
  assert.equal(after(decide({ failure: 'unreachable', outageMs: 7999, attempt: 20 })), 375);
  assert.equal(after(decide({ failure: 'unreachable', outageMs: 8000 })), 'exhausted');
  assert.equal(after(decide({ failure: 'unreachable', elapsedMs: 8000 })), 'exhausted');
});

test('where everything is shut, only who came just after the outage began waits', () => {
  const resting = { failure: 'resting', attempt: 1 } as const;
  assert.equal(after(decide({ ...resting, outageMs: 2000 })), 375);
  assert.equal(after(decide({ ...resting, outageMs: 2500 })), 'exhausted');
  assert.equal(after(decide({ ...resting, outageMs: 0 })), 'exhausted', 'it is there, and fails');
  assert.equal(after(decide({ ...resting, outageMs: 5000, attempt: 2 })), 375, 'who waits already waits on');
});

test('with an old answer at hand an outage is waited out for a second at most', () => {
  const hasOld = (): boolean => true;
  for (const failure of ['unreachable', 'resting'] as const) {
    const waiting = { failure, attempt: 2, hasOld };
    assert.equal(after(decide({ ...waiting, outageMs: 600, elapsedMs: 600 })), 375);
    assert.equal(
      after(decide({ ...waiting, outageMs: 700, elapsedMs: 600 })),
      'exhausted',
      'with the pause it is more',
    );
    assert.equal(after(decide({ ...waiting, outageMs: 0, elapsedMs: 700 })), 'exhausted');
    assert.equal(after(decide({ ...waiting, outageMs: 700, hasOld: () => false })), 375);
  }
  assert.equal(
    after(decide({ failure: 'busy', attempt: 2, elapsedMs: 5000, hasOld })),
    1000,
    'a host that is there is asked',
  );
});

test('whether there is an old answer is asked only when it decides', () => {
  const hasOld = (): boolean => assert.fail('it is early, or another reason');
  assert.equal(after(decide({ failure: 'unreachable', outageMs: 1, hasOld })), 375);
  assert.equal(after(decide({ failure: 'unreachable', outageMs: 8000, hasOld })), 'exhausted');
  assert.equal(after(decide({ failure: 'failed', elapsedMs: 5000, hasOld })), 500);
});
