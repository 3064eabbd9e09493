/** What makes attempts, for tests of what stands around it: no breakers and no pauses unless the test gives some. */
import type { AttemptDeps } from '../../src/gateway/attempts.ts';
import type { Admission } from '../../src/gateway/placing.ts';
import { BreakerBoard, type BreakerBoardOptions } from '../../src/resilience/breaker-board.ts';
import { HostOutlook } from '../../src/resilience/host-outlook.ts';
import { RetryBudget } from '../../src/resilience/retry-budget.ts';

/** A store of one process, as the board sees it when nobody else writes. */
const loneStore: BreakerBoardOptions['store'] = {
  all: () => [],
  put: () => true,
  addFailure: () => undefined,
  clearFailures: () => undefined,
  failing: () => [],
  addOutcomes: () => undefined,
  outcomes: () => undefined,
  clearOutcomes: () => undefined,
  withFailures: () => [],
  takeTrial: () => () => undefined,
};

export function attemptDeps(
  hosts: readonly string[],
  changes: Partial<AttemptDeps> & { readonly breakers?: Partial<BreakerBoardOptions> } = {},
): AttemptDeps {
  const { breakers, ...rest } = changes;
  const nowMs = (): number => performance.now();
  return {
    board: new BreakerBoard({
      limits: undefined,
      hosts,
      store: loneStore,
      mayOpen: () => 'on',
      onChange: () => undefined,
      nowMs: Date.now,
      random: () => 0,
      ...breakers,
    }),
    outlook: new HostOutlook(hosts, nowMs),
    budget: new RetryBudget({ ratio: 0.1, nowMs }),
    settings: { maxAttempts: 3, baseMs: 1000, capMs: 30_000 },
    totalMs: 60_000,
    isDraining: () => false,
    nowMs,
    random: () => 0,
    onRetry: () => undefined,
    ...rest,
  };
}

/** A slot for everybody, at once. */
export const freeAdmission: Admission = {
  enter: async ({ hosts: names }) => ({
    host: names()[0] ?? '',
    waitedMs: 0,
    leave: () => undefined,
    observe: () => undefined,
    overloaded: () => undefined,
  }),
};
