/** The last stage: one attempt. Sends the job to a host that has a slot for it, and gives back its stream. */
import { nativeAnswer } from '../../ollama/native-answer.ts';
import type { FinalLine } from '../../ollama/ndjson-scanner.ts';
import { countOf, msOf } from '../final-numbers.ts';
import { openPlaced, type PlacedDeps } from '../open-placed.ts';
import type { PlaceSample } from '../placing.ts';
import type { Dispatch } from './resilient.ts';

const headers = { 'content-type': 'application/json' } as const;

export function createDispatch(deps: PlacedDeps): Dispatch {
  return async (job, signal, plan) => {
    const request = { method: 'POST', path: job.path, headers, body: job.body, model: job.model } as const;
    const { attempt, place, firstTokenMs } = await openPlaced(deps, { request, wanted: job, plan }, signal);
    return nativeAnswer(attempt, {
      queueMs: place.waitedMs,
      onFinal: final => {
        const sample = sampleOf(final, firstTokenMs);
        if (sample !== undefined) place.observe(sample);
        deps.adaptive?.saw(place.host, job.model, final, firstTokenMs);
      },
    });
  };
}

/** @returns undefined when nothing was generated, or it was not said how long it took */
function sampleOf(final: FinalLine, firstTokenMs: number): PlaceSample | undefined {
  const generatedMs = msOf(final, 'eval_duration');
  const tokens = countOf(final, 'eval_count');
  if (tokens === 0 || generatedMs === 0) return undefined;
  const untilFirstMs = Math.max(0, firstTokenMs - msOf(final, 'load_duration'));
  return {
    tokensPerSecond: (tokens / generatedMs) * 1000,
    innerWaitMs: Math.max(0, untilFirstMs - msOf(final, 'prompt_eval_duration')),
    generatedMs,
    promptTokens: countOf(final, 'prompt_eval_count'),
    untilFirstMs,
  };
}
