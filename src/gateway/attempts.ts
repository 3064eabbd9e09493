/**
 * Makes attempts until one succeeds or another is not worth it. Everything here ends before the first byte of content reaches
 * the client; what an attempt came to afterwards is told by whoever holds its answer.
 */
import { type DeciError, toDeciError } from '../kernel/errors.ts';
import { pause } from '../kernel/pause.ts';
import type { FailureClass } from '../resilience/failure-class.ts';
import type { RetryBudget } from '../resilience/retry-budget.ts';
import { decideRetry, type NoRetry, type RetrySettings } from '../resilience/retry-decision.ts';
import type { RetryPolicy } from '../resilience/retry-policy.ts';
import { type AskedHosts, AttemptPlan, type AttemptTarget, type HostHealth } from './attempt-plan.ts';
import type { RecordedQuestion } from './job.ts';

export interface RetryEvent {
  readonly reason: FailureClass;
  /** `answered` or `failed`: what the retry came to; else why there was none. */
  readonly result: 'answered' | 'failed' | Exclude<NoRetry, 'not_retryable'>;
}

export interface AttemptDeps extends HostHealth {
  readonly budget: RetryBudget;
  readonly settings: RetrySettings;
  /** For all attempts of a request together. */
  readonly totalMs: number;
  readonly isDraining: () => boolean;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onRetry: (event: RetryEvent) => void;
  /** Whether an old answer may be given instead of this one; absent where nothing is recorded. */
  readonly hasOld?: ((question: RecordedQuestion) => boolean) | undefined;
}

/** @throws DeciError of the last attempt */
export async function withAttempts<T>(
  deps: AttemptDeps,
  target: AttemptTarget,
  signal: AbortSignal,
  attempt: (plan: AttemptPlan) => Promise<T>,
): Promise<T> {
  deps.budget.earn();
  const startedAtMs = deps.nowMs();
  const totalMs = Math.min(deps.totalMs, target.timeoutMs ?? deps.totalMs);
  const settings = settingsFor(deps.settings, target.retry);
  const hosts: AskedHosts = { asked: [], barred: [] };
  let retried: FailureClass | undefined;
  let told: DeciError | undefined;
  for (let number = 1; ; number++) {
    const plan = new AttemptPlan(deps, target, hosts, () => totalMs - (deps.nowMs() - startedAtMs));
    try {
      const result = await attempt(plan);
      plan.begun();
      if (retried !== undefined) deps.onRetry({ reason: retried, result: 'answered' });
      return result;
    } catch (thrown) {
      const error = toDeciError(thrown);
      if (signal.aborted) {
        plan.left();
        throw error;
      }
      if (retried !== undefined) deps.onRetry({ reason: retried, result: 'failed' });
      if (told === undefined || !saysLess(error, told)) told = plan.told(error);
      retried = await nextAttempt(
        { ...deps, settings },
        { plan, target, error, told, number, startedAtMs, totalMs },
        signal,
      );
    }
  }
}

/**
 * A host that answered says more than one that could not be reached when it was to answer again; and where one has failed with a
 * model, another one that has no such model does not make it a model that is not there.
 */
function saysLess({ code }: DeciError, told: DeciError): boolean {
  return code === 'upstream_unreachable' || (code === 'model_not_found' && told.code !== 'upstream_unreachable');
}

function settingsFor(settings: RetrySettings, policy: RetryPolicy | undefined): RetrySettings {
  return policy === undefined
    ? settings
    : { ...settings, maxAttempts: policy.attempts ?? settings.maxAttempts, policy };
}

interface Failed {
  readonly plan: AttemptPlan;
  readonly target: AttemptTarget;
  readonly error: DeciError;
  /** What the client hears if it ends here. */
  readonly told: DeciError;
  readonly number: number;
  readonly startedAtMs: number;
  readonly totalMs: number;
}

/** Waits until the next attempt is due. @throws the failure, when there is to be none */
async function nextAttempt(deps: AttemptDeps, failed: Failed, signal: AbortSignal): Promise<FailureClass> {
  const { plan, target, error, told, number, startedAtMs, totalMs } = failed;
  const { settings, outlook, random, budget, hasOld } = deps;
  const reason = plan.failed(error);
  const elapsedMs = deps.nowMs() - startedAtMs;
  const decision = decideRetry(
    {
      failure: reason,
      attempt: number,
      untriedHosts: plan.untried(),
      retryAfterMs: error.retryAfterMs,
      remainingMs: totalMs - elapsedMs,
      outageMs: outlook.outageMs(),
      elapsedMs,
      hasOld: () => target.question !== undefined && hasOld?.(target.question) === true,
      draining: deps.isDraining(),
      overloaded: outlook.overloaded(),
    },
    settings,
    random,
    () => budget.spend(),
  );
  if (!decision.retry) {
    if (decision.because !== 'not_retryable') deps.onRetry({ reason, result: decision.because });
    throw told;
  }
  if (decision.afterMs > 0) await pause(decision.afterMs, signal);
  if (!deps.isDraining()) return reason;
  deps.onRetry({ reason, result: 'draining' });
  throw told;
}
