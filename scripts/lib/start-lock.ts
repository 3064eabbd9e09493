/**
 * One start at a time in a run folder: two would see nothing running, and the second would restart what the first started.
 * The lock appears under its name with its content in it, so that nobody reads a holder that is still being written.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { startUnderWaySentence } from '../../src/config/load-ecosystem.ts';
import { livingHolder, startLockPath } from '../../src/config/start-lock-holder.ts';
import { thisProcess } from '../../src/kernel/process-identity.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';

/** A stale lock may be taken over by another start between our look and our grasp; that one is looked at again. */
const attempts = 3;

/** @throws ScriptFailure while another start holds it; a holder that died does not */
export function takeStartLock(runDir: string): { release(): void } {
  const path = startLockPath(runDir);
  const { pid, start } = thisProcess();
  const mine = `${pid} ${start}`.trim();
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (create(path, mine)) return { release: () => release(path, mine) };
    const held = read(path);
    if (held === undefined) continue;
    const holder = livingHolder(held);
    if (holder !== undefined) {
      throw new ScriptFailure(exitCodes.lockHeld, startUnderWaySentence(holder));
    }
    removeStale(path, held);
  }
  throw new ScriptFailure(exitCodes.lockHeld, 'Another start is under way: wait for it.');
}

function create(path: string, content: string): boolean {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content, { mode: 0o600 });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Of all who found the same stale lock one moves it away. Whoever moved a newer one instead puts it back. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = read(aside);
  if (moved !== undefined && moved !== stale) create(path, moved);
  rmSync(aside, { force: true });
}

function release(path: string, mine: string): void {
  if (read(path) === mine) rmSync(path, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
