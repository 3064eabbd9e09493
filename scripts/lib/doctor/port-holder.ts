/** Which process listens on a port, as far as `/proc` shows it to this user. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortHolder {
  readonly pid: number;
  readonly name: string;
}

const listening = '0A';
const maxName = 120;

/** @returns undefined when it cannot be told, or when several do, on different addresses */
export function findPortHolder(port: number): PortHolder | undefined {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap(path => listeners(read(path), port)));
  const pids = sockets.size === 0 ? [] : list('/proc').filter(name => /^\d+$/.test(name) && holdsOne(name, sockets));
  // A listener that was handed on is held by two; the one that opened it has the lower pid.
  const [pid] = pids.map(Number).toSorted((left, right) => left - right);
  if (pid === undefined || sockets.size > 1) return undefined;
  return { pid, name: nameOf(pid) };
}

/** A process may set its title, as PM2 does, and the short name is only the beginning of it. */
function nameOf(pid: number): string {
  const title = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
  return (title.startsWith('PM2 ') ? title : read(`/proc/${pid}/comm`).trim()).slice(0, maxName);
}

/** The second column is `ADDRESS:PORT` in hex, the fourth the state, the tenth the inode. */
export function listeners(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').flatMap(line => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    return local.endsWith(wanted) && state === listening ? [`socket:[${inode}]`] : [];
  });
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  return list(`/proc/${pid}/fd`).some(fd => {
    try {
      return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  });
}

/** A process that has gone, or is another user's, has nothing to show. */
function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
