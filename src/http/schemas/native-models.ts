/** What the hosts are and have: version, status, tags, ps, show. */
import { z } from 'zod';
import { jsonObject, optional } from './fields.ts';
import { jsonAnswer, type Operations } from './operation.ts';

const details = z
  .looseObject({
    parent_model: z.string().optional(),
    format: z.string().optional(),
    family: z.string().optional(),
    families: z.array(z.string()).nullish(),
    parameter_size: z.string().optional(),
    quantization_level: z.string().optional(),
  })
  .meta({ id: 'ModelDetails' });

const row = {
  name: z.string(),
  model: z.string(),
  size: z.number().describe('Bytes.'),
  digest: z.string(),
  details,
};

/** Ours: absent where all hosts have the same. */
export const difference = z
  .strictObject({ differs: z.literal(true), digests: z.record(z.string(), z.string()) })
  .optional()
  .meta({
    id: 'ModelDifference',
    description: 'Hosts have something else under this name: the digest by host. The row is that of the first host.',
  });

const tags = z
  .looseObject({
    models: z.array(
      z
        .looseObject({ ...row, modified_at: z.string(), capabilities: z.array(z.string()).nullish(), deci: difference })
        .meta({ id: 'ListedModel' }),
    ),
  })
  .meta({ id: 'Tags', description: 'The models of all hosts, one row a name.' });

const ps = z
  .looseObject({
    models: z.array(
      z
        .looseObject({
          ...row,
          expires_at: z.string(),
          size_vram: z.number().describe('Bytes.'),
          context_length: z.int().optional(),
        })
        .meta({ id: 'LoadedModel' }),
    ),
  })
  .meta({ id: 'Ps', description: 'The loaded models of all hosts; those that stay longest come first.' });

const showRequest = z
  .looseObject({
    model: optional(z.string()),
    name: optional(z.string()).describe('The old name of `model`.'),
    system: optional(z.string()),
    options: optional(jsonObject),
    verbose: optional(z.boolean()),
  })
  .meta({ id: 'ShowRequest' });

const shown = z
  .looseObject({
    license: z.string().optional(),
    modelfile: z.string().optional(),
    parameters: z.string().optional(),
    template: z.string().optional(),
    system: z.string().optional(),
    details: details.optional(),
    model_info: jsonObject.nullish(),
    capabilities: z.array(z.string()).nullish(),
    modified_at: z.string().optional(),
  })
  .meta({ id: 'ShownModel' });

const version = z.looseObject({ version: z.string() }).meta({ id: 'Version' });
const status = z
  .looseObject({ cloud: z.looseObject({ disabled: z.boolean(), source: z.string().optional() }).optional() })
  .meta({ id: 'Status' });
const recommendations = z
  .looseObject({ recommendations: z.array(z.looseObject({ model: z.string() })).nullish() })
  .meta({ id: 'Recommendations' });
const running = z.literal('Ollama is running').meta({ id: 'Running' });

export const nativeModels: Operations = {
  'GET /': {
    summary: 'Say that the server is there',
    description: "What Ollama's own clients ask first.",
    tags: ['Ollama: models'],
    responses: { 200: { description: 'A fixed text.', content: { 'text/plain': running } } },
  },
  'GET /api/version': {
    summary: 'Tell the version of Ollama',
    tags: ['Ollama: models'],
    responses: jsonAnswer('The lowest version of all hosts, since clients gate features on it.', version),
  },
  'GET /api/tags': {
    summary: 'List the models',
    tags: ['Ollama: models'],
    responses: jsonAnswer('The models of all hosts.', tags),
  },
  'GET /api/ps': {
    summary: 'List the loaded models',
    tags: ['Ollama: models'],
    responses: jsonAnswer('The loaded models of all hosts.', ps),
  },
  'GET /api/status': {
    summary: 'Tell the state of the first host',
    tags: ['Ollama: models'],
    responses: jsonAnswer('As the host says it.', status),
  },
  'POST /api/show': {
    summary: 'Describe a model',
    tags: ['Ollama: models'],
    request: { schema: showRequest, examples: { model: { model: 'llama3.2' }, old: { name: 'llama3.2' } } },
    responses: jsonAnswer('What a host knows of the model.', shown),
  },
  'GET /api/experimental/model-recommendations': {
    summary: 'Recommend models',
    tags: ['Ollama: models'],
    responses: jsonAnswer('As the host says it.', recommendations),
  },
};
