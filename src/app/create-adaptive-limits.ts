/** The wiring of the time limits that follow what a host's answers have taken. */
import type { Config } from '../config/config.ts';
import { AdaptiveLimits } from '../gateway/adaptive-limits.ts';
import { AnswerTimes } from '../ollama/answer-times.ts';

const leastFirstMs = 15_000;

/** @returns undefined where the user has set a limit that holds always */
export function createAdaptiveLimits({ timeouts }: Config): AdaptiveLimits | undefined {
  if (!timeouts.isFirstTokenAdaptive) return undefined;
  const floors = { firstMs: leastFirstMs, stallMs: timeouts.stallMs };
  return new AdaptiveLimits({ times: new AnswerTimes(), floors });
}
