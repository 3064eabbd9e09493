/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never returns where the kernel keeps the files, as below
 * `/proc`: it is told that the folder above is missing, finds it, and tries again without end.
 */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const privateMode = 0o700;

/**
 * What exists already keeps its mode.
 * @throws the error of the first folder that cannot be made
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let dir = resolve(path); !exists(dir); dir = dirname(dir)) missing.unshift(dir);
  for (const dir of missing) make(dir);
  if (!statSync(path).isDirectory()) throw new Error(`${path} is not a folder`);
}

/** @throws when it cannot be made, or is not ours to close */
export function makePrivateFolder(path: string): void {
  makeFolder(path);
  chmodSync(path, privateMode);
}

function make(dir: string): void {
  try {
    mkdirSync(dir, { mode: privateMode });
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
