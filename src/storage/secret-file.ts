/** A secret that is made once and kept in a file for its owner alone. Of several processes that find none, all get the same. */
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface SecretFile {
  readonly path: string;
  readonly make: () => string;
  /** Whether a text is such a secret. */
  readonly isValid: (text: string) => boolean;
}

/** @throws when the folder or the file cannot be used, or when the file holds something else */
export function readOrMakeSecret({ path, make, isValid }: SecretFile): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const secret = read(path) ?? makeOnce(path, make);
  if (!isValid(secret)) {
    throw new Error(`${path} does not hold what belongs there; remove it to have a new one made`);
  }
  // It may have been copied or edited: what others could read is closed again.
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return secret;
}

/** Appears under its name with its content in it, so that nobody reads half of one, and only once. */
function makeOnce(path: string, make: () => string): string {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${make()}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return read(path) ?? '';
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
