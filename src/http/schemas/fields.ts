/** Shapes that several dialects share. */
import { z } from 'zod';

/** A member that may be left out; `null` counts as left out, here as in Ollama. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish();
}

export const jsonObject = z.record(z.string(), z.unknown());

export const keepAlive = z.union([z.number(), z.string()]).meta({
  id: 'KeepAlive',
  description: 'Seconds, or a duration such as `10m`; 0 unloads the model behind the answer, negative keeps it loaded.',
});

export const options = z
  .looseObject({
    temperature: optional(z.number()),
    top_p: optional(z.number()),
    top_k: optional(z.int()),
    min_p: optional(z.number()),
    seed: optional(z.int()),
    num_predict: optional(z.int()),
    num_ctx: optional(z.int()),
    repeat_penalty: optional(z.number()),
    presence_penalty: optional(z.number()),
    frequency_penalty: optional(z.number()),
    stop: optional(z.array(z.string())),
  })
  .meta({ id: 'Options', description: "Ollama's options of a model; more than these are passed on." });

const topLogprob = { token: z.string(), logprob: z.number(), bytes: optional(z.array(z.int())) };

export const logprobs = z
  .array(z.looseObject({ ...topLogprob, top_logprobs: optional(z.array(z.looseObject(topLogprob))) }))
  .meta({ id: 'Logprobs' });
