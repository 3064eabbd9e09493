/** Putting new workers in the place of all: it is asked for here, done by control, and told by the journal. */
import type { JournalRecord } from '../../journal/record.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import type { JournalDeps } from './journal.ts';

export interface RecycleDeps {
  /** @throws DeciError when control does not answer, or refuses */
  readonly ask: () => Promise<{ readonly journal_id: string; readonly requested_at: string }>;
  /** The time of day as it is set; null where it is not done every day. */
  readonly at: string | null;
  readonly journal: JournalDeps['journal'];
}

/** Answers before it is done: the record of that id says how it went. */
export function startRecycle({ ask }: RecycleDeps): Handler {
  return async context => {
    const { journal_id, requested_at } = await ask();
    sendJson(context, { journal_id, requested_at }, 202);
  };
}

export function showRecycle({ at, journal }: RecycleDeps): Handler {
  return async context => {
    const { records } = await journal.list({ limit: 1, healer: 'recycle' });
    const last: JournalRecord | undefined = records[0];
    sendJson(context, { at, under_way: last !== undefined && last.result === null, last: last ?? null });
  };
}
