/** /v1/messages and /v1/messages/count_tokens. */
import { z } from 'zod';
import { anthropicEvent, anthropicMessage } from './anthropic-answer.ts';
import { jsonObject, optional } from './fields.ts';
import { jsonAnswer, type Operations } from './operation.ts';

const block = z
  .looseObject({
    type: optional(z.string()).describe(
      '`text`, `image`, `document`, `search_result`, `thinking`, `tool_use` or `tool_result`.',
    ),
    text: optional(z.string()),
  })
  .meta({ id: 'AnthropicBlock', description: 'Blocks of other types are left out.' });

const message = z
  .looseObject({
    role: z.string().describe('`user`, `assistant` or `system`.'),
    content: z.union([z.string(), z.array(block)]),
  })
  .meta({ id: 'AnthropicTurn' });

const tool = z
  .looseObject({
    type: optional(z.string()).describe('`custom` unless given; tools that run on servers of Anthropic are refused.'),
    name: optional(z.string()),
    description: optional(z.string()),
    input_schema: optional(jsonObject),
  })
  .meta({ id: 'AnthropicTool' });

const toolChoice = z.union([
  z.looseObject({ type: z.enum(['auto', 'any', 'none']) }),
  z.looseObject({ type: z.literal('tool'), name: z.string() }),
]);

const prompt = {
  model: z.string().min(1),
  messages: z.array(message).min(1),
  system: optional(z.union([z.string(), z.array(block)])),
  tools: optional(z.array(tool)),
  tool_choice: optional(toolChoice),
  thinking: optional(z.looseObject({ type: z.enum(['enabled', 'disabled', 'adaptive', 'between_tools']) })),
  output_config: optional(
    z.looseObject({
      effort: optional(z.string()),
      format: optional(z.looseObject({ type: z.literal('json_schema'), schema: jsonObject })),
    }),
  ),
};

const request = z
  .looseObject({
    ...prompt,
    max_tokens: z.int().min(1),
    stream: optional(z.boolean()),
    temperature: optional(z.number()),
    top_p: optional(z.number()),
    top_k: optional(z.int()),
    stop_sequences: optional(z.array(z.string())),
  })
  .meta({ id: 'AnthropicRequest', description: '`metadata`, `cache_control` and `service_tier` have no effect.' });

const countRequest = z.looseObject(prompt).meta({ id: 'AnthropicCountRequest' });
const count = z.looseObject({ input_tokens: z.int().min(0) }).meta({ id: 'AnthropicCount' });

const model = 'llama3.2';
const messages = [{ role: 'user', content: 'Why is the sky blue?' }];
const system = [{ type: 'text', text: 'Be short.' }];

export const anthropic: Operations = {
  'POST /v1/messages': {
    summary: 'Answer a conversation',
    tags: ['Anthropic'],
    request: {
      schema: request,
      examples: {
        whole: { model, max_tokens: 100, messages },
        stream: { model, max_tokens: 100, messages, system, stream: true },
        thinking: { model: 'qwen3', max_tokens: 100, messages, thinking: { type: 'enabled', budget_tokens: 1024 } },
      },
    },
    responses: {
      200: {
        description: 'One message; with `stream: true` one object an event.',
        content: { 'application/json': anthropicMessage, 'text/event-stream': anthropicEvent },
      },
    },
  },
  'POST /v1/messages/count_tokens': {
    summary: 'Estimate the tokens of a prompt',
    description: 'An estimate, and the header `X-Deci-Estimate` says so: Ollama cannot count without generating.',
    tags: ['Anthropic'],
    request: { schema: countRequest, examples: { prompt: { model, messages, system } } },
    responses: jsonAnswer('The estimate.', count),
  },
};
