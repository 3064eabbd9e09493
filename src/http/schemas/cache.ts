/** The routes of the response cache. */
import { z } from 'zod';
import { jsonAnswer, type Operations } from './operation.ts';

const count = z.int().min(0);

const stats = z
  .strictObject({
    enabled: z.boolean(),
    ttl_s: z.number().min(0).nullable().describe('How long an answer is given again.'),
    stale_max_s: z
      .number()
      .min(0)
      .nullable()
      .describe('How old an answer may be that is given for want of a better one.'),
    worker: z
      .strictObject({
        pid: z.int(),
        entries: count,
        bytes: count,
        max_entries: count,
        max_bytes: count,
        flights: count.describe('Answers under way that the same question may join.'),
      })
      .nullable()
      .describe('The memory of the worker that answers.'),
    shared: z
      .strictObject({ entries: count, bytes: count, max_bytes: count })
      .nullable()
      .describe('What all workers share; null while it cannot be used.'),
  })
  .meta({ id: 'CacheStats' });

const purged = z
  .strictObject({ removed: count.describe('Shared entries that were thrown away.') })
  .meta({ id: 'CachePurged' });

export const purgeQuery = z.strictObject({
  tag: z.string().min(1).max(64).optional().describe('Only answers that were recorded with this tag.'),
  model: z.string().min(1).max(512).optional().describe('Only answers of this model, by the name it was asked by.'),
  key: z.string().min(1).max(64).optional().describe('Only the answer of this key; the request log has it.'),
});

export const cacheRoutes: Operations = {
  'GET /api/admin/cache': {
    summary: 'Tell how much is recorded',
    tags: ['Operations'],
    responses: jsonAnswer('The cache as it is now.', stats),
  },
  'DELETE /api/admin/cache': {
    summary: 'Throw recorded answers away',
    description:
      'Everything, or what one of `tag`, `model` and `key` names. Afterwards no worker gives any of it again.',
    tags: ['Operations'],
    query: purgeQuery,
    responses: jsonAnswer('Done, in all workers.', purged),
  },
};
