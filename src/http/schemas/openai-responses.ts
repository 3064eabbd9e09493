/** /v1/responses: the request, and the response as a whole. */
import { z } from 'zod';
import { jsonObject, optional } from './fields.ts';
import { responseEvent } from './openai-response-events.ts';
import { response } from './openai-response-objects.ts';
import type { Operations } from './operation.ts';

const part = z
  .union([
    z.looseObject({ type: z.enum(['input_text', 'output_text']), text: optional(z.string()) }),
    z.looseObject({ type: z.literal('refusal'), refusal: optional(z.string()) }),
    z.looseObject({ type: z.literal('input_image'), image_url: z.string().describe('A data URL; no remote images.') }),
  ])
  .meta({ id: 'ResponsesContentPart' });
const content = z.union([z.string(), z.array(part)]);

const item = z
  .union([
    z.looseObject({
      type: optional(z.literal('message')),
      role: z.enum(['user', 'assistant', 'system', 'developer']),
      content: optional(content),
    }),
    z.looseObject({
      type: z.literal('reasoning'),
      summary: optional(z.array(z.unknown())),
      encrypted_content: optional(z.string()),
    }),
    z.looseObject({
      type: z.literal('function_call'),
      call_id: z.string(),
      name: z.string(),
      arguments: optional(z.string()),
    }),
    z.looseObject({ type: z.literal('function_call_output'), call_id: z.string(), output: optional(content) }),
    z.looseObject({ type: z.literal('web_search_call') }),
  ])
  .meta({ id: 'ResponsesItem' });

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({ type: z.literal('function'), name: z.string() }),
  z.looseObject({ type: z.literal('allowed_tools'), mode: optional(z.unknown()), tools: z.array(z.unknown()) }),
]);

const format = z.union([
  z.looseObject({ type: z.enum(['text', 'json_object']) }),
  z.looseObject({ type: z.literal('json_schema'), schema: jsonObject }),
]);

const effort = z.enum(['', 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'ultra', 'max']);

const request = z
  .looseObject({
    model: z.string().min(1),
    input: z.union([z.string(), z.array(item)]),
    instructions: optional(z.string()),
    max_output_tokens: optional(z.int()),
    temperature: optional(z.number()),
    top_p: optional(z.number()),
    stream: optional(z.boolean()),
    reasoning: optional(z.looseObject({ effort: optional(effort), summary: optional(z.string()) })),
    text: optional(z.looseObject({ format: optional(format) })),
    tools: optional(
      z.array(z.looseObject({ type: z.string(), name: optional(z.string()), parameters: optional(jsonObject) })),
    ).describe("Tools that run on OpenAI's servers are not offered to the model."),
    tool_choice: optional(toolChoice),
    parallel_tool_calls: optional(z.boolean()),
    metadata: optional(jsonObject),
    truncation: optional(z.string()),
    include: optional(z.array(z.string())),
    background: optional(z.literal(false)),
    previous_response_id: z.null().optional().describe('Nothing is stored: send the whole conversation as input.'),
    conversation: z.null().optional(),
    prompt: z.null().optional(),
  })
  .meta({ id: 'ResponsesRequest' });

const model = 'llama3.2';
const input = 'Why is the sky blue?';
const messages = [{ role: 'user', content: [{ type: 'input_text', text: input }] }];

export const openAiResponses: Operations = {
  'POST /v1/responses': {
    summary: 'Answer by the Responses API, without storing anything',
    description: 'The body may be compressed with zstd (`Content-Encoding: zstd`).',
    tags: ['OpenAI'],
    request: {
      schema: request,
      examples: {
        whole: { model, input, instructions: 'Be short.' },
        stream: { model, input: messages, stream: true },
      },
    },
    responses: {
      200: {
        description: 'One response; with `stream: true` one object an event.',
        content: { 'application/json': response, 'text/event-stream': responseEvent },
      },
    },
  },
};
