/** Token counts as OpenAI tells them. */
import type { GenerationUsage } from '../../gateway/generation.ts';

export interface OpenAiUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Of several answers to one prompt, the prompt counts once and every answer counts. */
export function openAiUsage(usages: readonly GenerationUsage[]): OpenAiUsage {
  const prompt = usages.reduce((most, usage) => Math.max(most, usage.promptTokens), 0);
  const completion = usages.reduce((sum, usage) => sum + usage.outputTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
