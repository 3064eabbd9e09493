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
  /** `pending` while it is under way. */
  readonly result?: string;
  readonly target?: string;
  readonly since?: string;
  readonly until?: string;
}

export interface JournalDeps {
  readonly journal: {
    /** @throws an error that tells itself when the store cannot be read */
    list(query: JournalQuery): Promise<{
      readonly records: readonly JournalRecord[];
      readonly hasMore: boolean;
      /** Where the next page begins, when it is not behind the last record. */
      readonly lookedTo?: string;
    }>;
  };
}

export function journalPage({ journal }: JournalDeps): Handler {
  return async context => {
    const { cursor, after, ...query } = await validateQuery('GET /api/journal', context.pathAndQuery);
    const { limit, healer, result, target, since, until } = query;
    const { records, hasMore, lookedTo } = await journal.list({
      limit,
      // Of the two the later one decides: a reader that follows has no page before it.
      ...(after === undefined ? (cursor === undefined ? {} : { before: cursor }) : { after }),
      ...(healer === undefined ? {} : { healer }),
      ...(result === undefined ? {} : { result }),
      ...(target === undefined ? {} : { target }),
      ...(since === undefined ? {} : { since: inStoredForm(since) }),
      ...(until === undefined ? {} : { until: inStoredForm(until) }),
    });
    const last = hasMore ? (lookedTo ?? records.at(-1)?.id ?? null) : null;
    sendJson(context, { data: records, next_cursor: last, has_more: hasMore });
  };
}

/** Times are compared as texts. */
function inStoredForm(time: string): string {
  return new Date(time).toISOString();
}
