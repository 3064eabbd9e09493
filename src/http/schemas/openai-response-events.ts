/** The events of a stream of OpenAI's Responses API. */
import { z } from 'zod';
import { outputItem, outputText, response, summaryText } from './openai-response-objects.ts';

const sequence = { sequence_number: z.int().min(0) };
const ofOutput = { ...sequence, output_index: z.int().min(0) };
const ofItem = { ...ofOutput, item_id: z.string() };
const ofContent = { ...ofItem, content_index: z.int().min(0) };
const ofSummary = { ...ofItem, summary_index: z.int().min(0) };

export const responseEvent = z
  .union([
    z.looseObject({
      type: z.enum([
        'response.created',
        'response.in_progress',
        'response.completed',
        'response.incomplete',
        'response.failed',
      ]),
      ...sequence,
      response,
    }),
    z.looseObject({
      type: z.enum(['response.output_item.added', 'response.output_item.done']),
      ...ofOutput,
      item: outputItem,
    }),
    z.looseObject({
      type: z.enum(['response.content_part.added', 'response.content_part.done']),
      ...ofContent,
      part: outputText,
    }),
    z.looseObject({ type: z.literal('response.output_text.delta'), ...ofContent, delta: z.string() }),
    z.looseObject({ type: z.literal('response.output_text.done'), ...ofContent, text: z.string() }),
    z.looseObject({
      type: z.enum(['response.reasoning_summary_part.added', 'response.reasoning_summary_part.done']),
      ...ofSummary,
      part: summaryText,
    }),
    z.looseObject({ type: z.literal('response.reasoning_summary_text.delta'), ...ofSummary, delta: z.string() }),
    z.looseObject({ type: z.literal('response.reasoning_summary_text.done'), ...ofSummary, text: z.string() }),
    z.looseObject({ type: z.literal('response.function_call_arguments.delta'), ...ofItem, delta: z.string() }),
    z.looseObject({
      type: z.literal('response.function_call_arguments.done'),
      ...ofItem,
      name: z.string(),
      arguments: z.string(),
    }),
    z.looseObject({
      type: z.literal('error'),
      ...sequence,
      code: z.string(),
      message: z.string(),
      param: z.string().nullable(),
    }),
  ])
  .meta({ id: 'ResponsesEvent' });
