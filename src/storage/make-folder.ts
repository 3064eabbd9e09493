import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { statOf } from './stat-of.ts';

/**
 * For its owner alone, unless something has the name already: look at it afterwards. Only what is above it is made
 * `recursive`, which says of a disk that cannot be written that there is no such folder.
 */
export function makeFolder(dir: string): void {
  if (statOf(dirname(dir)) === undefined) mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
