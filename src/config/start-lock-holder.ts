/** Who is starting a cluster in a run folder: `npm start` writes its pid and the moment it began into `run/start.lock`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../kernel/process-identity.ts';

/** In it `npm start` tells PM2's command line, and nobody else, which start it belongs to. */
export const startedByVariable = 'DECI_STARTED_BY';

export function startLockPath(runDir: string): string {
  return join(runDir, 'start.lock');
}

/** @returns the pid; undefined when nobody holds it, or when its holder has died */
export function startLockHolder(runDir: string): number | undefined {
  const text = readStartLock(runDir);
  return text === undefined ? undefined : livingHolder(text);
}

/** @returns undefined when there is none */
function readStartLock(runDir: string): string | undefined {
  try {
    return readFileSync(startLockPath(runDir), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** After a reboot the pid of a holder that died may be another program's: that one began at another time. */
export function livingHolder(held: string): number | undefined {
  const [pidText, start = ''] = held.trim().split(' ');
  const pid = Number(pidText);
  return Number.isInteger(pid) && pid > 0 && isAlive({ pid, start }) ? pid : undefined;
}
