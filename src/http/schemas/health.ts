/** Probes. Each kind of probe is one entry, whatever the paths by which it is asked. */
import { z } from 'zod';
import type { Answer, Operation, Operations } from './operation.ts';

const check = z
  .strictObject({
    status: z.enum(['pass', 'warn', 'fail']),
    time: z.iso.datetime(),
    observed_value: z.string().optional(),
    models: z.int().min(0).optional(),
    output: z.string().optional().describe('Why it did not pass.'),
  })
  .meta({ id: 'HealthCheck' });

const healing = z
  .strictObject({
    last_24h: z.int().min(0).nullable().describe('Actions of healers; null when the journal cannot be read.'),
    active: z.array(z.string()).describe('Healers that act right now.'),
  })
  .meta({ id: 'Healing' });

const healthAnswer = z
  .strictObject({
    status: z.enum(['pass', 'warn', 'fail']),
    version: z.string(),
    release_id: z.string(),
    checks: z.record(z.string(), z.array(check)).optional().describe('For callers that have a role.'),
    healing: healing.optional().describe('For callers that have a role.'),
  })
  .meta({ id: 'Health' });

const probeAnswer = z.strictObject({ status: z.literal('pass') }).meta({ id: 'Probe' });

function answers(description: string, schema: z.ZodType): { readonly 200: Answer } {
  return { 200: { description, content: { 'application/json': schema, 'application/health+json': schema } } };
}

const tags: readonly [string] = ['Health'];

const health: Operation = {
  summary: 'Tell how the service is',
  description:
    '`application/health+json` when `Accept` asks for it. A host that cannot be reached is a warning: the process is fine, ' +
    'and restarting it would heal nothing.',
  tags,
  responses: answers(
    'The state; for callers that have a role also one check of the store and of each Ollama host.',
    healthAnswer,
  ),
};

const live: Operation = {
  summary: 'Tell that the process lives',
  tags,
  responses: answers('It does.', probeAnswer),
};

const ready: Operation = {
  summary: 'Tell whether this worker takes requests',
  description: '503 while it leaves.',
  tags,
  responses: answers('It does.', probeAnswer),
};

const startup: Operation = {
  summary: 'Tell whether this worker has started',
  description: '503 until then.',
  tags,
  responses: answers('It has.', probeAnswer),
};

export const healthProbes: Operations = {
  'GET /api/health': health,
  'GET /health': health,
  'GET /api/v2/health': health,
  'GET /api/health/live': live,
  'GET /api/v2/health/live': live,
  'GET /api/health/ready': ready,
  'GET /api/v2/health/ready': ready,
  'GET /api/health/startup': startup,
  'GET /api/v2/health/startup': startup,
};
