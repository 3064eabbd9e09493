/** A folder that is a small disk of its own for what is started with it, in a mount namespace that nobody else sees and that ends with it. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  /** Below the home of a worker or a cluster. */
  readonly folder: string;
  readonly megabytes: number;
}

const mountDisk = 'mkdir -p "$1" && mount -t tmpfs -o "size=$2m,mode=700" tmpfs "$1" && shift 2 && exec "$@"';
const megabyte = 1024 * 1024;

/** @returns what is to stand in front of a command */
export function withDisk(home: string, disk: SmallDisk | undefined): string[] {
  if (disk === undefined) return [];
  const { folder, megabytes } = disk;
  const namespace = ['unshare', '--mount', '--propagation', 'private'];
  return [...namespace, 'sh', '-c', mountDisk, 'sh', join(home, folder), String(megabytes)];
}

/** Where a file of a process lies for others, whatever is mounted for it. */
export function seenBy(pid: number, path: string): string {
  return join(`/proc/${pid}/root`, path);
}

/** Of the disk of a folder, seen as above. */
function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Takes what is free. @returns gives it back */
export function fillDisk(folder: string): () => void {
  const parts: string[] = [];
  for (let left = freeBytes(folder); left > 0 && parts.length < 1000; left = freeBytes(folder)) {
    const path = join(folder, `filler-${parts.length}`);
    parts.push(path);
    try {
      writeFileSync(path, Buffer.alloc(Math.min(left, megabyte)));
    } catch (error) {
      // What was free a moment ago may be somebody else's by now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  return () => {
    for (const path of parts) rmSync(path, { force: true });
  };
}
