/** The line in front of the slots: closed objects, as all routes of our own. */
import { z } from 'zod';
import { jsonAnswer, type Operations } from './operation.ts';

const place = z
  .strictObject({
    id: z.string(),
    model: z.string(),
    owner: z.string().describe('The id of whoever asks; places in a full line are shared out among owners.'),
    priority: z.enum(['interactive', 'batch', 'background']),
    since: z.iso.datetime().describe('RFC 3339, UTC.'),
    waited_ms: z.int().min(0),
    position: z.int().min(1).describe('Among those who wait for the same model.'),
    expected_wait_ms: z
      .int()
      .min(0)
      .nullable()
      .describe('Until it has a slot, as this worker sees it; null when nobody knows.'),
  })
  .meta({ id: 'QueuePlace' });

const queue = z
  .strictObject({
    data: z.array(place),
    next_cursor: z.null(),
    has_more: z.literal(false),
    capacity: z.int().min(0).describe('How many may wait, in all workers together.'),
  })
  .meta({ id: 'Queue' });

export const queueRoutes: Operations = {
  'GET /api/admin/queue': {
    summary: 'List who waits for a slot',
    tags: ['Operations'],
    responses: jsonAnswer('Everybody who waits, in the order in which they will be served.', queue),
  },
};
