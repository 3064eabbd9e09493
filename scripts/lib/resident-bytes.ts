/** How much memory a process holds, as the kernel tells it. */
import { readFileSync } from 'node:fs';

/** @returns null where there is no `/proc`, and when the process is gone */
export function residentBytes(pid: number): number | null {
  try {
    const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? null : Number(kb) * 1024;
  } catch {
    return null;
  }
}
