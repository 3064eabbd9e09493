/** Virtual models: what is written, what is told. */
import { z } from 'zod';
import { narrowed, widened } from '../../resilience/retry-policy.ts';
import { problem } from './errors.ts';
import { keepAlive } from './fields.ts';
import { jsonAnswer, type Operations } from './operation.ts';

const name = z.string().min(1).max(200);

const members = {
  base: name.describe('The model of the hosts that answers.'),
  hosts: z.array(name).max(64).default([]).describe('Only these hosts are asked; empty means all.'),
  options: z
    .record(z.string().max(64), z.unknown())
    .refine(value => Object.keys(value).length <= 64, 'it has more than 64 members')
    .default({})
    .describe("Defaults for Ollama's options; what a client says itself holds."),
  runner_options: z
    .enum(['keep', 'round_up', 'fix'])
    .nullable()
    .default(null)
    .describe("What becomes of a client's options that reload the model; null: as `RUNNER_OPTIONS` says."),
  system: z.string().max(65_536).nullable().default(null).describe('A system prompt.'),
  system_policy: z
    .enum(['default', 'always'])
    .default('default')
    .describe('`default`: for clients without one. `always`: in front of theirs.'),
  fallbacks: z.array(name).max(7).default([]).describe('Models that answer when this one cannot, in order.'),
  fallback_text: z
    .string()
    .min(1)
    .max(4096)
    .nullable()
    .default(null)
    .describe('What is said when nothing better can be; null: as `FALLBACK_TEXT` says.'),
  cache: z
    .strictObject({
      policy: z.enum(['default', 'always', 'never']).default('default'),
      ttl: z.string().max(64).nullable().default(null).describe('Such as `10m`; null: as `CACHE_TTL` says.'),
      scope: z
        .enum(['tenant', 'key'])
        .nullable()
        .default(null)
        .describe('Who shares answers: all keys of a tenant, or none; null: as `CACHE_SCOPE` says.'),
    })
    .default({ policy: 'default', ttl: null, scope: null })
    .describe('`always`: a recorded answer is as good as a new one. `never`: nothing is recorded.'),
  retry: z
    .strictObject({
      attempts: z.int().min(1).max(10).nullable().default(null).describe('In total; null: as `RETRY_MAX` says.'),
      also: z.array(z.enum(widened)).max(widened.length).default([]).describe('Failures that are retried here too.'),
      never: z.array(z.enum(narrowed)).max(narrowed.length).default([]).describe('Failures that are not retried here.'),
    })
    .default({ attempts: null, also: [], never: [] }),
  keep_alive: keepAlive.nullable().default(null).describe('For requests that say none.'),
  knowledge: z.null().default(null).describe('Not supported yet.'),
};

export const virtualModelChange = z.strictObject(members).meta({ id: 'VirtualModelChange' });

export const newVirtualModel = z.strictObject({ name, ...members }).meta({ id: 'NewVirtualModel' });

const virtualModel = z.strictObject({ name, ...members }).meta({
  id: 'VirtualModel',
  description: 'A name that every client can use, and what it stands for.',
});

const virtualModels = z
  .strictObject({ data: z.array(virtualModel), next_cursor: z.null(), has_more: z.literal(false) })
  .meta({ id: 'VirtualModels' });

const params = { name: { description: 'The name; it may hold slashes.', example: 'helpdesk' } };

export const virtualModelRoutes: Operations = {
  'GET /api/admin/models': {
    summary: 'List the virtual models',
    tags: ['Models'],
    responses: jsonAnswer('All virtual models.', virtualModels),
  },
  'POST /api/admin/models': {
    summary: 'Make a virtual model',
    description: 'One that is there already stays as it is. All workers follow within a second.',
    tags: ['Models'],
    request: {
      schema: newVirtualModel,
      examples: { short: { name: 'team/helpdesk', base: 'llama3.2', system: 'You are kind.' } },
    },
    responses: {
      201: { description: 'The virtual model.', content: { 'application/json': virtualModel } },
      409: {
        description: 'There is a virtual model of this name.',
        content: { 'application/problem+json': problem },
      },
    },
  },
  'GET /api/admin/models/*name': {
    summary: 'Show a virtual model',
    tags: ['Models'],
    params,
    responses: jsonAnswer('The virtual model.', virtualModel),
  },
  'PUT /api/admin/models/*name': {
    summary: 'Make a virtual model, or write it anew',
    description: 'What is left out is as it is by default. All workers follow within a second.',
    tags: ['Models'],
    params,
    request: {
      schema: virtualModelChange,
      examples: {
        short: { base: 'llama3.2' },
        whole: {
          base: 'llama3.2',
          options: { temperature: 0, num_ctx: 8192 },
          system: 'You answer questions about our products.',
          fallbacks: ['llama3.2'],
          fallback_text: 'Nobody can answer right now. Please try again in a few minutes.',
          cache: { policy: 'always', ttl: '10m' },
          retry: { attempts: 2, also: ['stall_timeout'] },
          keep_alive: '30m',
        },
      },
    },
    responses: jsonAnswer('The virtual model as it is now.', virtualModel),
  },
  'DELETE /api/admin/models/*name': {
    summary: 'Delete a virtual model',
    description: 'The model that it stood for stays.',
    tags: ['Models'],
    params,
    responses: jsonAnswer(
      'Deleted.',
      z.strictObject({ name, deleted: z.literal(true) }).meta({ id: 'VirtualModelDeleted' }),
    ),
  },
};
