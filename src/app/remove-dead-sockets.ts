/** Private sockets whose workers are gone. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from '../kernel/process-identity.ts';

/** A worker that was killed could not remove its socket. */
export function removeDeadSockets(runDir: string, colour: string): void {
  for (const name of readdirSync(runDir)) {
    const pid = new RegExp(`^${colour}-(\\d+)\\.sock$`).exec(name)?.[1];
    if (pid === undefined) continue;
    const ours = Number(pid) === process.pid;
    if (ours || !isRunning(Number(pid))) rmSync(join(runDir, name), { force: true });
  }
}
