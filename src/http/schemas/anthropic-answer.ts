/** The message of Anthropic's API, and the events of its stream. */
import { z } from 'zod';
import { anthropicError } from './errors.ts';

const block = z
  .union([
    z.looseObject({ type: z.literal('text'), text: z.string() }),
    z.looseObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
    z.looseObject({
      type: z.literal('tool_use'),
      id: z.string(),
      name: z.string(),
      input: z.record(z.string(), z.unknown()),
    }),
  ])
  .meta({ id: 'AnthropicAnswerBlock' });

const usage = z.looseObject({ input_tokens: z.int(), output_tokens: z.int() });

export const anthropicMessage = z
  .looseObject({
    id: z.string(),
    type: z.literal('message'),
    role: z.literal('assistant'),
    model: z.string(),
    content: z.array(block),
    stop_reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use']).nullable(),
    stop_sequence: z.string().nullable(),
    usage,
  })
  .meta({ id: 'AnthropicMessage' });

const index = z.int().min(0);

const delta = z.union([
  z.looseObject({ type: z.literal('text_delta'), text: z.string() }),
  z.looseObject({ type: z.literal('thinking_delta'), thinking: z.string() }),
  z.looseObject({ type: z.literal('input_json_delta'), partial_json: z.string() }),
]);

export const anthropicEvent = z
  .union([
    z.looseObject({ type: z.literal('message_start'), message: anthropicMessage }),
    z.looseObject({ type: z.literal('content_block_start'), index, content_block: block }),
    z.looseObject({ type: z.literal('content_block_delta'), index, delta }),
    z.looseObject({ type: z.literal('content_block_stop'), index }),
    z.looseObject({
      type: z.literal('message_delta'),
      delta: z.looseObject({ stop_reason: z.string(), stop_sequence: z.null() }),
      usage,
    }),
    z.looseObject({ type: z.literal('message_stop') }),
    z.looseObject({ type: z.literal('ping') }),
    anthropicError,
  ])
  .meta({ id: 'AnthropicEvent' });
