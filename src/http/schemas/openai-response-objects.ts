/** The response of OpenAI's Responses API and the items of its output. */
import { z } from 'zod';

export const outputText = z
  .looseObject({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(z.unknown()),
    logprobs: z.array(z.unknown()),
  })
  .meta({ id: 'ResponsesOutputText' });

export const summaryText = z
  .looseObject({ type: z.literal('summary_text'), text: z.string() })
  .meta({ id: 'ResponsesSummaryText' });

const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);

export const outputItem = z
  .union([
    z.looseObject({
      id: z.string(),
      type: z.literal('message'),
      status: itemStatus,
      role: z.literal('assistant'),
      content: z.array(outputText),
    }),
    z.looseObject({
      id: z.string(),
      type: z.literal('reasoning'),
      summary: z.array(summaryText),
      encrypted_content: z.string().optional(),
    }),
    z.looseObject({
      id: z.string(),
      type: z.literal('function_call'),
      status: itemStatus,
      call_id: z.string(),
      name: z.string(),
      arguments: z.string(),
    }),
  ])
  .meta({ id: 'ResponsesOutputItem' });

const usage = z.looseObject({
  input_tokens: z.int(),
  input_tokens_details: z.looseObject({ cached_tokens: z.int() }),
  output_tokens: z.int(),
  output_tokens_details: z.looseObject({ reasoning_tokens: z.int() }),
  total_tokens: z.int(),
});

export const response = z
  .looseObject({
    id: z.string(),
    object: z.literal('response'),
    created_at: z.int().describe('Seconds since 1970.'),
    completed_at: z.int().nullable().describe('Seconds since 1970.'),
    status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
    incomplete_details: z.looseObject({ reason: z.string() }).nullable(),
    error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
    model: z.string(),
    output: z.array(outputItem),
    usage: usage.nullable(),
    store: z.literal(false),
  })
  .meta({ id: 'Response', description: 'Repeats the members of its request beside these.' });
