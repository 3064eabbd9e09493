/**
 * A process of its own that looks into the store, so that a check which takes too long can be ended. Reads only. Without a
 * write-ahead log nobody has the store open, and it is read as a file that does not change: else SQLite would make that log.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** What it prints, as JSON. */
export interface StoreFacts {
  readonly applicationId: number;
  readonly userVersion: number;
  /** `ok`, or the first thing that is wrong. */
  readonly quickCheck: string;
}

function probe(path: string): StoreFacts {
  const url = pathToFileURL(path);
  if (!existsSync(`${path}-wal`)) url.searchParams.set('immutable', '1');
  const store = new DatabaseSync(url, { readOnly: true, timeout: 1000 });
  try {
    const read = (pragma: string): unknown => Object.values(store.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
    return {
      applicationId: Number(read('application_id')),
      userVersion: Number(read('user_version')),
      quickCheck: String(read('quick_check(1)')),
    };
  } finally {
    store.close();
  }
}

const [path = ''] = process.argv.slice(2);
try {
  process.stdout.write(JSON.stringify(probe(path)));
} catch (error) {
  process.stderr.write((error as Error).message);
  process.exitCode = 1;
}
