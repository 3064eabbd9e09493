/** Damages files the way disks and people do. For files that this process has not opened itself. */
import { closeSync, openSync, statSync, truncateSync, writeSync } from 'node:fs';

/** Not valid at any place of any file of ours. */
const garbage = 0xa5;

export function overwrite(path: string, { from, bytes }: { from: number; bytes: number }): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.alloc(bytes, garbage), 0, bytes, from);
  closeSync(fd);
}

/** What tells what kind of file it is. */
export function overwriteHeader(path: string): void {
  overwrite(path, { from: 0, bytes: 100 });
}

/** A whole page of SQLite in the middle of the file, the first one excepted. */
export function overwriteMiddlePage(path: string): void {
  const pageBytes = 4096;
  const pages = Math.floor(statSync(path).size / pageBytes);
  overwrite(path, { from: Math.max(1, Math.floor(pages / 2)) * pageBytes, bytes: pageBytes });
}

export function cutInHalf(path: string): void {
  truncateSync(path, Math.floor(statSync(path).size / 2));
}

export function empty(path: string): void {
  truncateSync(path, 0);
}
