/** Brings a store to the newest version, one transaction a step; of several processes that start together, one does each step. */
import type { DatabaseSync } from 'node:sqlite';
import type { Migration } from './migrations.ts';

/** "DECI" in ASCII: tells our files from those of others. */
export const applicationId = 0x44454349;

export function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

export function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  for (const { version, sql } of migrations) {
    // Without a step to do nobody waits for the lock.
    if (pragma(db, 'user_version') >= version) continue;
    inTransaction(db, () => {
      // Read again under the lock: somebody else may have done this step while we waited.
      if (pragma(db, 'user_version') >= version) return;
      db.exec(sql);
      db.exec(`PRAGMA application_id = ${applicationId}`);
      db.exec(`PRAGMA user_version = ${version}`);
    });
  }
}

function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has already rolled back by itself; what is left open would block everybody else.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
