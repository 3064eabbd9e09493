/** The breakers: closed objects, as all routes of our own. */
import { z } from 'zod';
import { jsonAnswer, type Operations } from './operation.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC.');

const breaker = z
  .strictObject({
    name: z.string().describe('The host, or the host and a model with a blank between them.'),
    upstream: z.string(),
    model: z.string().nullable(),
    state: z.enum(['closed', 'open', 'half_open']),
    since: time.nullable().describe('Null when it never opened.'),
    opens: z.int().min(0).describe('How often in a row.'),
    cause: z
      .string()
      .nullable()
      .describe(
        'The code of the last failure before it opened; `model_damaged` where the server says that of the file of a model.',
      ),
    retry_at: time.nullable().describe('When it is tried at the latest.'),
  })
  .meta({ id: 'Breaker' });

const breakers = z
  .strictObject({ data: z.array(breaker), next_cursor: z.null(), has_more: z.literal(false) })
  .meta({ id: 'Breakers' });

const params = {
  name: {
    description: 'The name of a breaker; that of a host means all of its models too, `all` means every one.',
    example: 'all',
  },
};

export const breakerRoutes: Operations = {
  'GET /api/admin/breakers': {
    summary: 'List the breakers of hosts and models',
    tags: ['Healing'],
    responses: jsonAnswer('All breakers.', breakers),
  },
  'POST /api/admin/breakers/:name/reset': {
    summary: 'Close a breaker by hand',
    tags: ['Healing'],
    params,
    responses: jsonAnswer('The breakers that were meant, as they are now.', breakers),
  },
  'POST /api/admin/hosts/:name/reset-breaker': {
    summary: 'Close the breakers of a host by hand',
    tags: ['Healing'],
    params,
    responses: jsonAnswer('The breakers of the host, as they are now.', breakers),
  },
};
