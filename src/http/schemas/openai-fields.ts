/** Members that several of OpenAI's requests and answers share. */
import { z } from 'zod';
import { optional } from './fields.ts';

export const openAiSampling = {
  max_tokens: optional(z.int()),
  temperature: optional(z.number()),
  top_p: optional(z.number()),
  seed: optional(z.int()),
  stop: optional(z.union([z.string(), z.array(z.string())])),
  frequency_penalty: optional(z.number()),
  presence_penalty: optional(z.number()),
};

export const openAiStreaming = {
  stream: optional(z.boolean()),
  stream_options: optional(z.looseObject({ include_usage: optional(z.boolean()) })),
};

export const openAiAnswerHead = {
  id: z.string(),
  created: z.int().describe('Seconds since 1970.'),
  model: z.string(),
  system_fingerprint: z.string().optional(),
};

export const openAiUsage = z
  .looseObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() })
  .meta({ id: 'OpenAiUsage' });
