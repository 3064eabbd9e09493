/** The file of the first key: nobody else may read it, and it must hold one. Its content is never told. */
import { readFileSync, statSync } from 'node:fs';
import { isKey } from '../../../src/auth/credentials.ts';
import { type Finding, fail, ok } from './finding.ts';
import { octal } from './folders.ts';

const maxBytes = 8192;

export interface KeyFinding extends Finding {
  /** It holds a key, and others can read it. */
  readonly isOpen?: boolean;
}

export function lookAtKeyFile(path: string): KeyFinding {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return ok(`${path} (made at the first start)`);
  if (!stats.isFile()) return fail(`${path} is not a file`, 'Move it away: a new key is made at the next start.');
  const hasKey = stats.size <= maxBytes && isKey(readFileSync(path, 'utf8').trim());
  if (hasKey && (stats.mode & 0o077) !== 0) {
    const fix = `chmod 600 ${path}; if others use this machine, remove it instead: the next start makes a new key.`;
    return { ...fail(`${path} can be read by others (mode ${octal(stats.mode)})`, fix), isOpen: true };
  }
  if (!hasKey) {
    return fail(`${path} does not hold a key`, 'Restore it, or remove it: the next start makes a new key.');
  }
  return ok(path);
}
