/**
 * Where the hot store lies: in memory where the machine offers that, else in the run folder. What stands there already is
 * used only when it is ours alone: /dev/shm is open to every user of the machine.
 *
 * Every process must come to the same answer, or there are two stores: it depends on nothing that passes. An error that
 * may be gone a moment later ends the start instead.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync, statfsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from './make-folder.ts';

export interface HotFolderOptions {
  /** Given by the user; taken as it is. */
  readonly hotDir: string | undefined;
  /** Made when it is missing, where the folder is named after it. */
  readonly runDir: string;
  readonly memoryDir?: string;
}

const tmpfsMagic = 0x01021994;
/** Somebody else's file, or no right or no room to make a folder: true for all processes of this user. */
const lasting: ReadonlySet<string | undefined> = new Set(['EEXIST', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC']);
const missing: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EACCES']);

class NotOurs extends Error {
  readonly code = 'EEXIST';
}

/** The folder that every process of this installation finds, made and checked. Removing it loses nothing that must be kept. */
export function hotFolder(options: HotFolderOptions): string {
  if (options.hotDir === undefined) mkdirSync(options.runDir, { recursive: true, mode: 0o700 });
  const [first = '', ...others] = hotFolderCandidates(options);
  const [second] = others;
  if (second === undefined) return makeOurs(first);
  try {
    return makeOurs(first);
  } catch (error) {
    if (!lasting.has(codeOf(error))) throw error;
    return makeOurs(second);
  }
}

/** Best first; for what cleans up, too. Nothing is made. */
export function hotFolderCandidates({ hotDir, runDir, memoryDir = '/dev/shm' }: HotFolderOptions): readonly string[] {
  if (hotDir !== undefined) return [resolve(hotDir)];
  const onDisk = join(resolve(runDir), 'hot');
  const uid = process.getuid?.();
  if (uid === undefined || !isMemory(memoryDir)) return [onDisk];
  const name = createHash('sha256')
    .update(realPath(resolve(runDir)))
    .digest('hex')
    .slice(0, 12);
  return [join(memoryDir, `deci-${uid}-${name}`), onDisk];
}

function makeOurs(dir: string): string {
  makeFolder(dir);
  const { uid, mode } = lstatSync(dir);
  const isOurs = lstatSync(dir).isDirectory() && uid === (process.getuid?.() ?? uid) && (mode & 0o077) === 0;
  if (!isOurs) throw new NotOurs(`${dir} is not a folder of this user alone: remove it, or choose another`);
  return dir;
}

function isMemory(dir: string): boolean {
  try {
    return statfsSync(dir).type === tmpfsMagic;
  } catch (error) {
    if (!missing.has(codeOf(error))) throw error;
    return false;
  }
}

/** The same folder under two names is the same installation, also before it is made. */
function realPath(dir: string): string {
  try {
    return realpathSync(dir);
  } catch (error) {
    if (!missing.has(codeOf(error))) throw error;
    const parent = dirname(dir);
    return parent === dir ? dir : join(realPath(parent), basename(dir));
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
