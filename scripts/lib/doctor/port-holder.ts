/** Which process listens on a port, as far as `/proc` shows it to this user. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

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

function nameOf(pid: number): string {
  return commandName(read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/comm`).trim()).slice(0, maxName);
}

/**
 * The program, and the file that it runs: an interpreter alone says little. Not more, since arguments may hold secrets. A process may
 * set its title, as PM2 does, which then is all there is.
 */
export function commandName(commandLine: string, shortName: string): string {
  const title = commandLine.replaceAll('\0', ' ').trim();
  if (title.startsWith('PM2 ')) return title;
  const [program = '', file = ''] = commandLine.split('\0');
  const name = program === '' || program.includes(' ') ? shortName : basename(program);
  return isFileName(file) ? `${name} ${file}` : name;
}

function isFileName(argument: string): boolean {
  return /^[\w./][\w./-]*$/.test(argument) && /[./]/.test(argument);
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
