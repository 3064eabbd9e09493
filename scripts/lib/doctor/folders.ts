/** Whether the folders of a cluster can be used, and only by whom they belong to. Nothing is made. */
import { accessSync, constants, statSync } from 'node:fs';
import { isKernelPlace } from '../kernel-place.ts';
import { nearestExisting } from '../nearest-existing.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

export interface FolderFacts {
  readonly path: string;
  readonly kind: 'folder' | 'other' | 'absent';
  readonly mode: number;
  readonly uid: number;
  readonly isWritable: boolean;
  /** The nearest thing that exists: the folder itself, or where it would be made. */
  readonly nearest: { readonly path: string; readonly isFolder: boolean; readonly isWritable: boolean };
}

export interface FolderWish {
  /** The setting that moves it. */
  readonly setting: string;
  /** Who asks; undefined where users have no numbers. */
  readonly uid: number | undefined;
}

export function readFolder(path: string): FolderFacts {
  const nearestPath = nearestExisting(path);
  const stats = statSync(nearestPath);
  const isWritable = canWrite(nearestPath);
  const isFolder = stats.isDirectory();
  const nearest = { path: nearestPath, isFolder, isWritable };
  const kind = nearestPath !== path ? 'absent' : isFolder ? 'folder' : 'other';
  return { path, kind, mode: stats.mode & 0o777, uid: stats.uid, isWritable: kind === 'folder' && isWritable, nearest };
}

export function judgeFolder({ path, kind, mode, uid, isWritable, nearest }: FolderFacts, wish: FolderWish): Finding {
  const elsewhere = `set ${wish.setting} to another path`;
  if (kind === 'other') return fail(`${path} is not a folder`, `Move it away, or ${elsewhere}.`);
  if (kind === 'absent') {
    if (nearest.isFolder && nearest.isWritable) return ok(`${path} (made when needed)`);
    const reason = nearest.isFolder ? 'cannot be written by this user' : 'is not a folder';
    return fail(`${path} cannot be made: ${nearest.path} ${reason}`, `Correct ${nearest.path}, or ${elsewhere}.`);
  }
  if (!isWritable)
    return fail(`${path} cannot be written by this user`, `Run Deci as its owner, or chown it, or ${elsewhere}.`);
  if (wish.uid !== undefined && uid !== wish.uid) {
    return warn(
      `${path} belongs to user ${uid}, and this is user ${wish.uid}`,
      `Run Deci as its owner, or chown -R ${wish.uid} ${path}`,
    );
  }
  if ((mode & 0o077) !== 0) return warn(`${path} is open to others (mode ${octal(mode)})`, `chmod 700 ${path}`);
  return ok(path);
}

export function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

function canWrite(path: string): boolean {
  if (isKernelPlace(path)) return false;
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
