/** What exists of a path that is still to be made. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** What exists of a path; `/` always does. */
export function nearestExisting(path: string): string {
  for (let candidate = path; ; candidate = dirname(candidate)) {
    try {
      statSync(candidate);
      return candidate;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || candidate === dirname(candidate)) throw error;
    }
  }
}
