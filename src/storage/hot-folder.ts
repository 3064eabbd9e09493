/**
 * Where the hot store lies: in memory where the machine offers that, else in the run folder. What stands there already is
 * used only when it is ours alone: /dev/shm is open to every user of the machine.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync, type StatsFs, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface HotFolderOptions {
  /** Given by the user; taken as it is. */
  readonly hotDir: string | undefined;
  readonly runDir: string;
  readonly memoryDir?: string;
}

const tmpfsMagic = 0x01021994;

/** The folder that every process of this installation finds, made and checked. Removing it loses nothing that must be kept. */
export function hotFolder(options: HotFolderOptions): string {
  const [first = '', ...others] = hotFolderCandidates(options);
  if (others.length === 0) return makeOurs(first);
  try {
    return makeOurs(first);
  } catch {
    // Somebody else's, or no right to write there.
    return makeOurs(others[0] ?? first);
  }
}

/** Best first; for what cleans up, too. Nothing is made. */
export function hotFolderCandidates({ hotDir, runDir, memoryDir = '/dev/shm' }: HotFolderOptions): readonly string[] {
  if (hotDir !== undefined) return [resolve(hotDir)];
  const onDisk = join(resolve(runDir), 'hot');
  const uid = process.getuid?.();
  if (uid === undefined || !isMemory(memoryDir)) return [onDisk];
  const name = createHash('sha256').update(realPath(runDir)).digest('hex').slice(0, 12);
  return [join(memoryDir, `deci-${uid}-${name}`), onDisk];
}

function makeOurs(dir: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(dir);
  const isOurs = lstatSync(dir).isDirectory() && uid === (process.getuid?.() ?? uid) && (mode & 0o077) === 0;
  if (!isOurs) throw new Error(`${dir} is not a folder of this user alone: remove it, or choose another`);
  return dir;
}

function isMemory(dir: string): boolean {
  try {
    const stats: StatsFs = statfsSync(dir);
    return stats.type === tmpfsMagic;
  } catch {
    return false;
  }
}

/** The same folder under two names is the same installation. */
function realPath(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return resolve(dir);
  }
}
