/** Whether a large body still fits, asked before any of it is read: between two looks of the guard a burst can bring a gigabyte. */
import type { MemoryLimits } from './pressure.ts';

export interface Room {
  readonly usedBytes: number;
  readonly externalBytes: number;
  /** Of bodies that were let in and are not read yet, this one included. */
  readonly announcedBytes: number;
}

/** Smaller ones are left to the guard. */
export const largeBodyBytes = 1024 * 1024;
/** Heap per byte of JSON: its text and its values. */
const heapPerByte = 2;
/** All memory per byte: the body, its text and values, and what is sent on. */
const memoryPerByte = 3;

export function hasRoom({ usedBytes, externalBytes, announcedBytes }: Room, limits: MemoryLimits): boolean {
  const heap = usedBytes + heapPerByte * announcedBytes;
  const all = usedBytes + externalBytes + memoryPerByte * announcedBytes;
  return heap <= limits.heapBytes && all <= limits.shedAt * limits.rssBytes;
}
