/** Another program that holds a SQLite file for itself alone, and lets go when told, or when it is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const code = `
  import { DatabaseSync } from 'node:sqlite';
  const [, path, how] = process.argv;
  const db = new DatabaseSync(path, { timeout: 5000 });
  if (how === 'exclusive') db.exec('PRAGMA locking_mode = EXCLUSIVE');
  db.exec('BEGIN IMMEDIATE');
  if (how === 'exclusive') db.exec('PRAGMA user_version = ' + db.prepare('PRAGMA user_version').get().user_version);
  process.stdout.write('held');
  setInterval(() => {}, 60_000);`;

/** @param how `exclusive` keeps readers out, too; `write` only other writers */
export async function holdLock(path: string, how: 'exclusive' | 'write'): Promise<{ release: () => Promise<void> }> {
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code, path, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(holder, 'exit');
  await Promise.race([
    once(holder.stdout, 'data'),
    gone.then(() => Promise.reject(new Error('the holder of the lock did not get it'))),
  ]);
  return {
    release: async () => {
      holder.kill('SIGKILL');
      await gone;
    },
  };
}
