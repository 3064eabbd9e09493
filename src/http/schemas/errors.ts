/** Errors, in the words of each dialect. */
import { z } from 'zod';

export const ollamaError = z.looseObject({ error: z.string(), signin_url: z.string().optional() }).meta({
  id: 'OllamaError',
  description: "Ollama's form of an error; behind the first line of a stream it is the last line.",
});

/** What RFC 9457 and we say of an error. */
const problemMembers = {
  type: z.string().describe('A page that explains the error.'),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  code: z.string().describe('A code of the error reference.'),
  request_id: z.string(),
  retryable: z.boolean().describe('Whether trying again can help.'),
  hint: z.string().describe('What to do about it.'),
};

export const problem = z
  .strictObject(problemMembers)
  .meta({ id: 'Problem', description: 'An error of our own routes, by RFC 9457.' });

const openAiErrorObject = z
  .looseObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
    request_id: z.string(),
  })
  .meta({ id: 'OpenAiErrorObject' });

export const openAiError = z
  .looseObject({ error: openAiErrorObject, ...problemMembers })
  .meta({ id: 'OpenAiError', description: "OpenAI's form of an error, with the members of RFC 9457 beside it." });

export const openAiStreamError = z
  .looseObject({ error: openAiErrorObject })
  .meta({ id: 'OpenAiStreamError', description: 'The last event of a stream that failed; `[DONE]` does not follow.' });

export const anthropicError = z
  .looseObject({
    type: z.literal('error'),
    error: z.looseObject({ type: z.string(), message: z.string() }),
    request_id: z.string(),
  })
  .meta({ id: 'AnthropicError' });
