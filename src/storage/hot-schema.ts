/** The tables of the hot store. A release that changes them makes a file of its own: the text is part of its name. */
export const hotSchema = `
CREATE TABLE lease (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  slot INTEGER NOT NULL,
  token INTEGER NOT NULL,
  holder_pid INTEGER NOT NULL,
  holder_start TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  data TEXT,
  PRIMARY KEY (kind, key, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE counter (
  key TEXT PRIMARY KEY,
  total REAL NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE breaker (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  opens INTEGER NOT NULL,
  cause TEXT NOT NULL
) STRICT, WITHOUT ROWID`;
