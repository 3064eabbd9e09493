/** One start at a time in a run folder: two would see nothing running, and the second would restart what the first started. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from '../../src/config/live-workers.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';

/** @throws ScriptFailure while another start holds it; a holder that died does not */
export function takeStartLock(runDir: string): { release(): void } {
  const path = join(runDir, 'start.lock');
  if (!create(path)) {
    const holder = Number(read(path));
    if (holder > 0 && isRunning(holder)) {
      throw new ScriptFailure(exitCodes.lockHeld, `Another start is under way (pid ${holder}): wait for it.`);
    }
    rmSync(path, { force: true });
    if (!create(path)) throw new ScriptFailure(exitCodes.lockHeld, 'Another start is under way: wait for it.');
  }
  return { release: () => rmSync(path, { force: true }) };
}

function create(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
