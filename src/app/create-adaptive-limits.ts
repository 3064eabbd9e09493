/** The wiring of the time limits that follow what a host's answers have taken. */
import type { Config } from '../config/config.ts';
import { AdaptiveLimits, type OtherLoads } from '../gateway/adaptive-limits.ts';
import { AnswerTimes } from '../ollama/answer-times.ts';

const leastFirstMs = 15_000;

/** @param loads of all workers */
export function createAdaptiveLimits({ timeouts }: Config, loads: OtherLoads): AdaptiveLimits {
  const floors = { firstMs: leastFirstMs, stallMs: timeouts.stallMs };
  return new AdaptiveLimits({ times: new AnswerTimes(), floors, fixedFirstMs: timeouts.firstTokenMs, loads });
}
