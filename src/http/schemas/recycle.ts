/** Replacing all workers: closed objects, as all routes of our own. */
import { z } from 'zod';
import { journalRecord } from './journal-record.ts';
import { jsonAnswer, type Operations } from './operation.ts';

const asked = z
  .strictObject({
    journal_id: z.string().describe('Of the record that says how it goes.'),
    requested_at: z.iso.datetime().describe('RFC 3339, UTC.'),
  })
  .meta({ id: 'RecycleAsked' });

const recycle = z
  .strictObject({
    at: z
      .string()
      .nullable()
      .describe('The time of day by the clock of the server; null where it is not done every day.'),
    under_way: z.boolean(),
    last: journalRecord.nullable(),
  })
  .meta({ id: 'Recycle' });

export const recycleRoutes: Operations = {
  'GET /api/admin/recycle': {
    summary: 'Tell whether workers are being replaced',
    tags: ['Healing'],
    responses: jsonAnswer('What is set, and how it went last.', recycle),
  },
  'POST /api/admin/recycle': {
    summary: 'Replace all workers, one after the other',
    description:
      'Each new worker serves before the old one is told to finish and leave. Answered before it is done; asked again meanwhile, the answer is the same.',
    tags: ['Healing'],
    responses: {
      202: { description: 'It will be done.', content: { 'application/json': asked } },
    },
  },
};
