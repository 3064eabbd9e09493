/** What was healed: the journal, page by page. */
import type { JournalRecord } from '../../journal/record.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { validateQuery } from '../validate.ts';

export interface JournalQuery {
  readonly limit: number;
  /** Older than this record, newest first. */
  readonly before?: string;
  /** Newer than this record, oldest first. */
  readonly after?: string;
  readonly healer?: string;
}

export interface JournalDeps {
  readonly journal: {
    /** @throws an error that tells itself when the store cannot be read */
    list(query: JournalQuery): Promise<{ readonly records: readonly JournalRecord[]; readonly hasMore: boolean }>;
  };
}

export function journalPage({ journal }: JournalDeps): Handler {
  return async context => {
    const { limit, cursor, after, healer } = await validateQuery('GET /api/journal', context.pathAndQuery);
    const { records, hasMore } = await journal.list({
      limit,
      // Of the two the later one decides: a reader that follows has no page before it.
      ...(after === undefined ? (cursor === undefined ? {} : { before: cursor }) : { after }),
      ...(healer === undefined ? {} : { healer }),
    });
    const last = hasMore ? (records.at(-1)?.id ?? null) : null;
    sendJson(context, { data: records, next_cursor: last, has_more: hasMore });
  };
}
