/**
 * The schema of the main store as a list that only grows. A version that was released is never edited or removed, and there
 * is no way back: two releases share the file while one replaces the other, and the older one may be switched back to.
 *
 * Therefore expand, then contract. A release may add a table, an index, or a column that may be null or has a default: the
 * release before it does not notice. What it no longer needs it leaves there. Only the release after that may drop, rename
 * or tighten it, when nobody who knew it can be running any more.
 */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** Each index is there for one statement of the journal's repository, whose test looks at the plans. */
const journal = `
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  time TEXT NOT NULL,
  healer TEXT NOT NULL,
  signal TEXT NOT NULL,
  value ANY,
  threshold ANY,
  decision TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  result TEXT,
  duration_ms REAL,
  requests_affected INTEGER,
  ids TEXT NOT NULL,
  holder_pid INTEGER NOT NULL,
  holder_start TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_healer ON journal (healer, seq);
CREATE INDEX journal_by_healer_and_time ON journal (healer, time);
CREATE INDEX journal_by_time ON journal (time);
CREATE INDEX journal_open ON journal (result, seq) WHERE result IS NULL;
CREATE INDEX journal_open_by_healer ON journal (result, healer) WHERE result IS NULL;`;

const healerSettings = `
CREATE TABLE healer_settings (
  healer TEXT PRIMARY KEY,
  mode TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;`;

const hostSettings = `
CREATE TABLE host_settings (
  host TEXT PRIMARY KEY,
  draining INTEGER NOT NULL,
  set_by TEXT NOT NULL,
  set_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;`;

/** The record last: a row is found changed by its stamp, without reading the pages of a long prompt. */
const virtualModels = `
CREATE TABLE virtual_models (
  key TEXT PRIMARY KEY,
  stamp TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at TEXT NOT NULL,
  record TEXT NOT NULL
) STRICT, WITHOUT ROWID;`;

const dailyRun = `
CREATE TABLE daily_run (
  name TEXT PRIMARY KEY,
  day TEXT NOT NULL,
  run_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;`;

export const migrations: readonly Migration[] = [
  { version: 1, name: 'journal', sql: journal },
  { version: 2, name: 'healer settings', sql: healerSettings },
  { version: 3, name: 'host settings', sql: hostSettings },
  { version: 4, name: 'virtual models', sql: virtualModels },
  { version: 5, name: 'daily runs', sql: dailyRun },
];
