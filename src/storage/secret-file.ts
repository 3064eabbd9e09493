/** A secret that is made once and kept in a file for its owner alone. Of several processes that find none, all get the same. */
import { chmodSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../kernel/make-folder.ts';

export interface SecretFile {
  readonly path: string;
  readonly make: () => string;
  /** Whether a text is such a secret. */
  readonly isValid: (text: string) => boolean;
}

/** @throws when the folder or the file cannot be used, or when the file holds something else */
export function readOrMakeSecret({ path, make, isValid }: SecretFile): string {
  makeFolder(dirname(path));
  const secret = read(path) ?? makeOnce(path, make);
  if (!isValid(secret)) {
    throw new Error(`${path} does not hold what belongs there; remove it to have a new one made`);
  }
  closeToOthers(path);
  return secret;
}

/** It may have been copied or edited. One that is somebody else's, or lies on a disk that is only read, is used as it is. */
function closeToOthers(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'EROFS') throw error;
  }
}

/** Appears under its name with its content in it, so that nobody reads half of one, and only once. */
function makeOnce(path: string, make: () => string): string {
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, `${make()}\n`, { mode: 0o600, flush: true });
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
