/** The errors that a route can answer besides its own, by its kind and in its dialect. */
import type { z } from 'zod';
import type { RouteInfo } from '../request-context.ts';
import { anthropicError, ollamaError, openAiError, problem } from './errors.ts';
import type { Answer } from './operation.ts';

const dialects: Readonly<Record<RouteInfo['dialect'], { readonly type: string; readonly schema: z.ZodType }>> = {
  ollama: { type: 'application/json', schema: ollamaError },
  openai: { type: 'application/json', schema: openAiError },
  anthropic: { type: 'application/json', schema: anthropicError },
  problem: { type: 'application/problem+json', schema: problem },
};

/** By status; `default` is what the model server's own refusals and rarer failures look like. */
export function errorAnswers({ dialect, role, body }: RouteInfo): Readonly<Record<string, Answer>> {
  const { type, schema } = dialects[dialect];
  const error = (text: string): Answer => ({ description: text, content: { [type]: schema } });
  const takesBody = body !== 'none';
  return {
    400: error('The request or its body is not valid.'),
    ...(role === 'public' ? {} : { 401: error('A key is needed, or the one that was sent is not valid.') }),
    403: error("The caller's role is too low; or, without a body, the Host or the Origin is not allowed here."),
    ...(takesBody ? { 408: error('The body did not arrive in time.') } : {}),
    ...(takesBody && body !== 'stream' ? { 413: error('The body is too large.') } : {}),
    500: error('A fault of ours, or of the model server in its own words.'),
    503: error('The worker is starting or leaving, or no model server can be reached. Try again later.'),
    default: error('Any other failure.'),
  };
}
