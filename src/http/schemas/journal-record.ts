/** A record of the journal, as every route tells it. */
import { z } from 'zod';

const time = z.iso.datetime().describe('RFC 3339, UTC.');

export const journalRecord = z
  .strictObject({
    id: z.string(),
    time,
    healer: z.string(),
    trigger: z.strictObject({
      signal: z.string(),
      value: z.union([z.number(), z.string(), z.boolean()]).nullable(),
      threshold: z.union([z.number(), z.string(), z.boolean()]).nullable(),
    }),
    decision: z.string(),
    action: z.string(),
    target: z.string(),
    result: z.enum(['healed', 'no_effect', 'worse', 'suppressed', 'dry_run']).nullable(),
    duration_ms: z.number().min(0).nullable(),
    requests_affected: z.int().min(0).nullable(),
    ids: z.array(z.string()),
  })
  .meta({
    id: 'JournalRecord',
    description:
      'One repair. `result`, `duration_ms` and `requests_affected` are null while it is under way, `requests_affected` also where nobody can know.',
  });
