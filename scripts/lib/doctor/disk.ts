/** Room on the disks below the folders, and in the memory that stands in for one. */
import { statfsSync } from 'node:fs';
import { nearestExisting } from '../nearest-existing.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const mb = 1024 ** 2;
const gb = 1024 ** 3;
const leastFreeBytes = 100 * mb;
const goodFreeBytes = gb;
const goodSharedBytes = 64 * mb;

export interface Room {
  readonly path: string;
  readonly freeBytes: number;
}

/** @param path need not exist yet */
export function readRoom(path: string): Room {
  const { bavail, bsize } = statfsSync(nearestExisting(path));
  return { path, freeBytes: bavail * bsize };
}

export function judgeDisk(rooms: readonly Room[]): Finding {
  const [least] = rooms.toSorted((left, right) => left.freeBytes - right.freeBytes);
  if (least === undefined) return ok('nothing is to be written');
  const detail = `${sizeText(least.freeBytes)} free below ${least.path}`;
  const fix = 'Free space, or move the folder to a larger disk (DATA_DIR, LOG_DIR, RUN_DIR).';
  if (least.freeBytes < leastFreeBytes) return fail(detail, fix);
  return least.freeBytes < goodFreeBytes ? warn(detail, fix) : ok(detail);
}

/** @param shared undefined where there is no such memory */
export function judgeSharedMemory(shared: Room | undefined, fallback: string): Finding {
  if (shared === undefined) return ok(`${fallback}, as there is no /dev/shm`);
  const detail = `${sizeText(shared.freeBytes)} free in ${shared.path}`;
  if (shared.freeBytes >= goodSharedBytes) return ok(detail);
  return warn(detail, 'Make it larger (a container takes --shm-size), or set HOT_DIR to a folder on a disk.');
}

export function sizeText(bytes: number): string {
  return bytes < gb ? `${Math.floor(bytes / mb)} MB` : `${(bytes / gb).toFixed(1)} GB`;
}
