/** The end of what a process wrote before it died. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

const maxBytes = 16_384;

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * @param from bytes that were there before
 * @returns a title and the last lines; nothing when nothing was written
 */
export function lastWords(path: string, from: number, maxLines: number): string[] {
  const size = sizeOf(path);
  if (size <= from) return [];
  const lines = readEnd(path, Math.max(from, size - maxBytes))
    .trimEnd()
    .split('\n');
  return [`Last words of the workers (${path}):`, ...lines.slice(-maxLines).map(line => `  ${line}`)];
}

function readEnd(path: string, from: number): string {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(maxBytes);
    return buffer.subarray(0, readSync(fd, buffer, 0, maxBytes, from)).toString();
  } finally {
    closeSync(fd);
  }
}
