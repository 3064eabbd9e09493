/** /api/generate and /api/chat. */
import { z } from 'zod';
import { ollamaError } from './errors.ts';
import { jsonObject, keepAlive, logprobs, optional, options } from './fields.ts';
import type { Answer, Operations } from './operation.ts';

const toolCall = z
  .looseObject({
    id: z.string().nullish(),
    function: z.looseObject({ index: z.int().nullish(), name: z.string(), arguments: jsonObject }),
  })
  .meta({ id: 'ToolCall', description: 'The arguments are an object, not its text.' });

const tool = z
  .looseObject({
    type: optional(z.string()),
    function: z.looseObject({ name: z.string(), description: optional(z.string()), parameters: optional(jsonObject) }),
  })
  .meta({ id: 'Tool' });

const message = z
  .looseObject({
    role: z.string().describe('`system`, `user`, `assistant` or `tool`.'),
    content: optional(z.string()),
    thinking: optional(z.string()),
    images: optional(z.array(z.string().describe('Base64.'))),
    tool_calls: optional(z.array(toolCall)),
    tool_name: optional(z.string()),
    tool_call_id: optional(z.string()),
  })
  .meta({ id: 'Message' });

/** What both requests may carry. */
const shared = {
  model: z.string().min(1),
  stream: optional(z.boolean()).describe('True unless given.'),
  format: optional(z.union([z.enum(['', 'json']), jsonObject])).describe('`json`, or a JSON schema.'),
  keep_alive: optional(keepAlive),
  options: optional(options),
  think: optional(z.union([z.boolean(), z.enum(['low', 'medium', 'high', 'max'])])),
  truncate: optional(z.boolean()),
  shift: optional(z.boolean()),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.int().min(0).max(20)),
  _debug_render_only: optional(z.boolean()).describe('Show the prompt instead of answering it.'),
};

const generateRequest = z
  .looseObject({
    ...shared,
    prompt: optional(z.string()).describe('Without one, the model is only loaded.'),
    suffix: optional(z.string()),
    system: optional(z.string()),
    template: optional(z.string()),
    context: optional(z.array(z.int())),
    raw: optional(z.boolean()),
    images: optional(z.array(z.string().describe('Base64.'))),
  })
  .meta({ id: 'GenerateRequest' });

const chatRequest = z
  .looseObject({
    ...shared,
    messages: optional(z.array(message)).describe('Without any, the model is only loaded.'),
    tools: optional(z.array(tool)),
  })
  .meta({ id: 'ChatRequest' });

/** What the last line adds. Ollama leaves out what is zero. */
const ending = {
  done_reason: z.string().optional().describe('`stop`, `length`, `load` or `unload`.'),
  total_duration: z.number().optional().describe('Nanoseconds.'),
  load_duration: z.number().optional().describe('Nanoseconds.'),
  prompt_eval_count: z.int().optional(),
  prompt_eval_duration: z.number().optional().describe('Nanoseconds.'),
  eval_count: z.int().optional(),
  eval_duration: z.number().optional().describe('Nanoseconds.'),
  logprobs: logprobs.nullish(),
};

const generateChunk = z
  .looseObject({
    model: z.string(),
    created_at: z.string(),
    response: z.string(),
    thinking: z.string().nullish(),
    context: z.array(z.int()).nullish(),
    done: z.boolean(),
    ...ending,
  })
  .meta({ id: 'GenerateChunk' });

const chatChunk = z
  .looseObject({
    model: z.string(),
    created_at: z.string(),
    message: message.extend({ content: z.string() }).meta({ id: 'AnswerMessage' }),
    done: z.boolean(),
    ...ending,
  })
  .meta({ id: 'ChatChunk' });

const debugAnswer = z
  .looseObject({
    model: z.string(),
    created_at: z.string(),
    _debug_info: z.looseObject({ rendered_template: z.string() }),
  })
  .meta({ id: 'DebugAnswer', description: 'With `_debug_render_only`.' });

const ended = { done: z.literal(true), done_reason: z.string() };
const generateWhole = generateChunk.extend(ended).meta({ id: 'GenerateWhole' });
const chatWhole = chatChunk.extend(ended).meta({ id: 'ChatWhole' });
const generateAnswer = z.union([generateWhole, debugAnswer]).meta({ id: 'GenerateAnswer' });
const chatAnswer = z.union([chatWhole, debugAnswer]).meta({ id: 'ChatAnswer' });
const generateLine = z.union([generateChunk, ollamaError]).meta({ id: 'GenerateLine' });
const chatLine = z.union([chatChunk, ollamaError]).meta({ id: 'ChatLine' });

function answers(line: z.ZodType, answer: z.ZodType): { readonly 200: Answer } {
  return {
    200: {
      description:
        'By default a stream, one object a line; the last has `done: true`, or is an `error`. ' +
        'One JSON object with `stream: false`, and where the model is only loaded or unloaded.',
      content: { 'application/x-ndjson': line, 'application/json': answer },
    },
  };
}

const model = 'llama3.2';
const question = { role: 'user', content: 'Why is the sky blue?' };
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
  },
};

export const nativeGeneration: Operations = {
  'POST /api/generate': {
    summary: 'Complete a prompt',
    tags: ['Ollama: generation'],
    request: {
      schema: generateRequest,
      examples: {
        stream: { model, prompt: 'Why is the sky blue?' },
        whole: { model, prompt: 'Why is the sky blue?', stream: false, options: { temperature: 0, num_predict: 20 } },
        load: { model, keep_alive: '10m' },
      },
    },
    responses: answers(generateLine, generateAnswer),
  },
  'POST /api/chat': {
    summary: 'Answer a conversation',
    tags: ['Ollama: generation'],
    request: {
      schema: chatRequest,
      examples: {
        stream: { model, messages: [question] },
        whole: { model, messages: [question], stream: false },
        thinking: { model: 'qwen3', messages: [question], think: true },
        tools: { model, messages: [{ role: 'user', content: 'Weather in Bern?' }], tools: [weather], stream: false },
        unload: { model, messages: [], keep_alive: 0 },
      },
    },
    responses: answers(chatLine, chatAnswer),
  },
};
