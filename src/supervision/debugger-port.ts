/** Where the debugger of a process of ours listens, told by the kernel. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';

/** @returns the port of the only TCP socket on loopback that it listens on itself; undefined when there is none */
export function debuggerPortOf(pid: number): number | undefined {
  try {
    const inodes = new Set(
      readdirSync(`/proc/${pid}/fd`).map(fd => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1]),
    );
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === listening && inodes.has(inode)) return Number.parseInt(local.split(':')[1] ?? '', 16);
    }
  } catch {
    // It is gone, or this is no Linux.
  }
  return undefined;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
