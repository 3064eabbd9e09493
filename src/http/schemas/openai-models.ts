/** /v1/embeddings and /v1/models. */
import { z } from 'zod';
import { optional } from './fields.ts';
import { difference } from './native-models.ts';
import { jsonAnswer, type Operations } from './operation.ts';

const embeddingRequest = z
  .looseObject({
    model: z.string().min(1),
    input: z.union([z.string(), z.array(z.string()).min(1)]),
    encoding_format: optional(z.enum(['', 'float', 'base64'])),
    dimensions: optional(z.int()),
  })
  .meta({ id: 'OpenAiEmbeddingRequest' });

const embeddings = z
  .looseObject({
    object: z.literal('list'),
    data: z.array(
      z.looseObject({
        object: z.literal('embedding'),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string().describe('32-bit floats, little-endian, in base64.')]),
      }),
    ),
    model: z.string(),
    usage: z.looseObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
  })
  .meta({ id: 'OpenAiEmbeddings' });

const model = z
  .looseObject({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string(), deci: difference })
  .meta({ id: 'OpenAiModel' });

const models = z.looseObject({ object: z.literal('list'), data: z.array(model) }).meta({ id: 'OpenAiModels' });

const texts = ['one text', 'another'];

export const openAiModels: Operations = {
  'POST /v1/embeddings': {
    summary: 'Embed texts',
    tags: ['OpenAI'],
    request: {
      schema: embeddingRequest,
      examples: {
        floats: { model: 'nomic-embed-text', input: texts },
        base64: { model: 'nomic-embed-text', input: 'one text', encoding_format: 'base64' },
      },
    },
    responses: jsonAnswer('One vector a text, in order.', embeddings),
  },
  'GET /v1/models': {
    summary: 'List the models',
    tags: ['OpenAI'],
    responses: jsonAnswer('The models of all hosts.', models),
  },
  'GET /v1/models/*model': {
    summary: 'Describe a model',
    tags: ['OpenAI'],
    params: { model: { description: 'May hold slashes, as they are or encoded.', example: 'llama3.2' } },
    responses: jsonAnswer('The model.', model),
  },
};
