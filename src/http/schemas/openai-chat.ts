/** /v1/chat/completions. */
import { z } from 'zod';
import { openAiStreamError } from './errors.ts';
import { jsonObject, keepAlive, logprobs, optional, options } from './fields.ts';
import { openAiAnswerHead, openAiSampling, openAiStreaming, openAiUsage } from './openai-fields.ts';
import type { Operations } from './operation.ts';

const contentPart = z
  .union([
    z.looseObject({ type: z.literal('text'), text: z.string() }),
    z.looseObject({
      type: z.literal('image_url'),
      image_url: z.union([z.string(), z.looseObject({ url: z.string() })]).describe('A data URL; no remote images.'),
    }),
    z.looseObject({
      type: z.literal('input_audio'),
      input_audio: z.looseObject({ data: z.string().describe('Base64.') }),
    }),
  ])
  .meta({ id: 'OpenAiContentPart' });

const callFunction = z.looseObject({ name: z.string(), arguments: z.string().describe('The JSON text of an object.') });

const message = z
  .looseObject({
    role: z.string().describe('`system`, `developer`, `user`, `assistant` or `tool`.'),
    content: optional(z.union([z.string(), z.array(contentPart)])).describe(
      'May only be left out beside `tool_calls`.',
    ),
    reasoning: optional(z.string()),
    name: optional(z.string()),
    tool_calls: optional(z.array(z.looseObject({ id: optional(z.string()), function: callFunction }))),
    tool_call_id: optional(z.string()),
  })
  .meta({ id: 'OpenAiMessage' });

const tool = z
  .looseObject({
    type: optional(z.string()),
    function: z.looseObject({ name: z.string(), description: optional(z.string()), parameters: optional(jsonObject) }),
  })
  .meta({ id: 'OpenAiTool' });

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string().min(1) }) }),
]);

const responseFormat = z.looseObject({
  type: optional(z.string()).describe('`text`, `json_object` or `json_schema`.'),
  json_schema: optional(z.looseObject({ schema: optional(jsonObject) })),
});

const effort = optional(z.enum(['', 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'ultra', 'max']));

const request = z
  .looseObject({
    model: z.string().min(1),
    messages: z.array(message).min(1),
    n: optional(z.int().min(1).max(16)),
    max_completion_tokens: optional(z.int()),
    ...openAiSampling,
    ...openAiStreaming,
    response_format: optional(responseFormat),
    tools: optional(z.array(tool)),
    tool_choice: optional(toolChoice),
    reasoning: optional(z.looseObject({ effort })),
    reasoning_effort: effort,
    logprobs: optional(z.boolean()),
    top_logprobs: optional(z.int().min(0).max(20)),
    keep_alive: optional(keepAlive),
    options: optional(options),
  })
  .meta({
    id: 'OpenAiChatRequest',
    description:
      "Of the rest of OpenAI's members, `parallel_tool_calls`, `user`, `metadata`, `logit_bias` and `service_tier` have no effect. " +
      "`keep_alive` and `options` are Ollama's.",
  });

const answerCall = z.looseObject({
  id: z.string(),
  index: z.int(),
  type: z.literal('function'),
  function: callFunction,
});

const choiceLogprobs = z.looseObject({ content: logprobs }).nullish();

const answer = z
  .looseObject({
    ...openAiAnswerHead,
    object: z.literal('chat.completion'),
    choices: z
      .array(
        z.looseObject({
          index: z.int(),
          message: z.looseObject({
            role: z.literal('assistant'),
            content: z.string(),
            reasoning: z.string().optional(),
            tool_calls: z.array(answerCall).optional(),
          }),
          finish_reason: z.string(),
          logprobs: choiceLogprobs,
        }),
      )
      .min(1),
    usage: openAiUsage,
  })
  .meta({ id: 'OpenAiChatAnswer' });

const chunk = z
  .looseObject({
    ...openAiAnswerHead,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        delta: z.looseObject({
          role: z.literal('assistant').optional(),
          content: z.string().optional(),
          reasoning: z.string().optional(),
          tool_calls: z.array(answerCall).optional(),
        }),
        finish_reason: z.string().nullable(),
        logprobs: choiceLogprobs,
      }),
    ),
    usage: openAiUsage.optional(),
  })
  .meta({ id: 'OpenAiChatChunk' });

const event = z.union([chunk, openAiStreamError]).meta({ id: 'OpenAiChatEvent' });

const model = 'llama3.2';
const messages = [{ role: 'user', content: 'Why is the sky blue?' }];
const weather = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

export const openAiChat: Operations = {
  'POST /v1/chat/completions': {
    summary: 'Answer a conversation',
    tags: ['OpenAI'],
    request: {
      schema: request,
      examples: {
        whole: { model, messages },
        stream: { model, messages, stream: true, stream_options: { include_usage: true } },
        choices: { model, messages, n: 2, max_completion_tokens: 20 },
        tools: { model, messages, tools: [weather], tool_choice: 'required' },
        parts: { model, messages: [{ role: 'user', content: [{ type: 'text', text: 'Why is the sky blue?' }] }] },
      },
    },
    responses: {
      200: {
        description: 'One object; with `stream: true` one object an event, and `[DONE]` as the last.',
        content: { 'application/json': answer, 'text/event-stream': event },
      },
    },
  },
};
