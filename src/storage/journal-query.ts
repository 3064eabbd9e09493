/**
 * The statements that read pages of the journal. Each seeks: by place, by healer, by time. What no index knows (result, target) is
 * looked for among so many records at most, and the page then says where it stopped. Pure.
 */
import type { SQLInputValue } from 'node:sqlite';

export interface JournalQuery {
  /** At most 500. */
  readonly limit: number;
  /** Older than this record, newest first. */
  readonly before?: string;
  /** Newer than this record, oldest first. */
  readonly after?: string;
  readonly healer?: string;
  /** `pending`: under way. */
  readonly result?: string;
  /** Whole words of it: `worker 7` is not `worker 77`. */
  readonly target?: string;
  /** RFC 3339, UTC, with milliseconds; both ends belong to it. */
  readonly since?: string;
  readonly until?: string;
}

export interface Statement {
  readonly sql: string;
  readonly params: readonly SQLInputValue[];
}

/** Some 10 ms of reading. */
export const maxLooked = 10_000;
/** So many records may have been written later than their time says, in a row. */
const lateRecords = 1000;
const last = Number.MAX_SAFE_INTEGER;

interface Conditions {
  readonly texts: string[];
  readonly params: SQLInputValue[];
}

/** @param limit of rows */
export function pageOf(query: JournalQuery, limit: number): Statement {
  const { texts, params } = seek(query);
  const order = `ORDER BY seq ${orderOf(query)}`;
  const found = `SELECT * FROM journal WHERE ${texts.join(' AND ')} ${order}`;
  const filter = filterOf(query);
  if (filter.texts.length === 0) return { sql: `${found} LIMIT ?`, params: [...params, limit] };
  return {
    sql: `SELECT * FROM (${found} LIMIT ${maxLooked}) WHERE ${filter.texts.join(' AND ')} LIMIT ?`,
    params: [...params, ...filter.params, limit],
  };
}

/** The record at which a page with a filter stops looking; undefined where it looks at all. */
export function lastLookedAt(query: JournalQuery): Statement | undefined {
  if (filterOf(query).texts.length === 0) return undefined;
  const { texts, params } = seek(query);
  const sql = `SELECT id FROM journal WHERE ${texts.join(' AND ')} ORDER BY seq ${orderOf(query)} LIMIT 1 OFFSET ${maxLooked - 1}`;
  return { sql, params };
}

function orderOf({ after }: JournalQuery): 'ASC' | 'DESC' {
  return after === undefined ? 'DESC' : 'ASC';
}

/** What indexes find. */
function seek({ before, after, healer, since, until }: JournalQuery): Conditions {
  const texts: string[] = [];
  const params: SQLInputValue[] = [];
  const add = (text: string, ...values: SQLInputValue[]): void => {
    texts.push(text);
    params.push(...values);
  };
  if (after !== undefined) add(`seq > ${placeOfEdge('<=', 'DESC', 0)}`, after);
  else if (before !== undefined) add(`seq < ${placeOfEdge('>=', 'ASC', last)}`, before);
  // Always from a place: the plan then is to seek, not to read through.
  else add(`seq <= ${last}`);
  if (healer !== undefined) add('healer = ?', healer);
  if (since !== undefined) {
    add(`seq >= ${placeOfTime('min', '>=', 'ASC', last)}`, since);
    add('+time >= ?', since);
  }
  if (until !== undefined) {
    add(`seq <= ${placeOfTime('max', '<=', 'DESC', 0)}`, until);
    add('+time <= ?', until);
  }
  return { texts, params };
}

function filterOf({ result, target }: JournalQuery): Conditions {
  const texts: string[] = [];
  const params: SQLInputValue[] = [];
  if (result === 'pending') texts.push('result IS NULL');
  else if (result !== undefined) {
    texts.push('result = ?');
    params.push(result);
  }
  if (target !== undefined) {
    texts.push(`instr(' ' || target || ' ', ' ' || ? || ' ') > 0`);
    params.push(target);
  }
  return { texts, params };
}

/** Where a record stands; where the nearest one stands when it has been pruned since. */
function placeOfEdge(direction: '<=' | '>=', order: 'ASC' | 'DESC', otherwise: number): string {
  return `coalesce((SELECT seq FROM journal WHERE id ${direction} ? ORDER BY id ${order} LIMIT 1), ${otherwise})`;
}

/** The outermost place of the records of a time: places and times have nearly the same order. */
function placeOfTime(most: 'min' | 'max', direction: '<=' | '>=', order: 'ASC' | 'DESC', otherwise: number): string {
  const near = `SELECT seq FROM journal WHERE time ${direction} ? ORDER BY time ${order} LIMIT ${lateRecords}`;
  return `coalesce((SELECT ${most}(seq) FROM (${near})), ${otherwise})`;
}
