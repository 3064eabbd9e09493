/**
 * Reads the daily files of one or several names as one log: the last lines first, then every new one, over midnight too. Lines
 * of several files come in the order of their times, as far as they are there when it looks.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface Source {
  readonly name: string;
  path: string | undefined;
  offset: number;
  /** A line whose end was not written yet. */
  rest: string;
}

/** How far back the last lines are looked for. */
const maxTailBytes = 1024 * 1024;
const chunkBytes = 64 * 1024;

export class LogFollower {
  readonly #dir: string;
  readonly #sources: readonly Source[];

  /** @param names for example `combined`, which stands for `combined-2026-11-21.log` */
  constructor(dir: string, names: readonly string[]) {
    this.#dir = dir;
    this.#sources = names.map(name => ({ name, path: undefined, offset: 0, rest: '' }));
  }

  /** The last lines of the newest files; `next` goes on behind them. */
  last(maxLines: number): string[] {
    for (const source of this.#sources) {
      source.path = newest(this.#dir, source.name);
      if (source.path !== undefined) source.offset = Math.max(0, sizeOf(source.path) - maxTailBytes);
    }
    const lines = inOrder(this.#sources.map(source => (source.offset > 0 ? read(source).slice(1) : read(source))));
    return maxLines === 0 ? [] : lines.slice(-maxLines);
  }

  /** What was written since it was asked the last time. */
  next(): string[] {
    return inOrder(this.#sources.map(source => this.#nextOf(source)));
  }

  #nextOf(source: Source): string[] {
    const lines = source.path === undefined ? [] : read(source);
    const latest = newest(this.#dir, source.name);
    if (latest === source.path) return lines;
    Object.assign(source, { path: latest, offset: 0, rest: '' });
    return latest === undefined ? lines : [...lines, ...read(source)];
  }
}

function inOrder(groups: readonly string[][]): string[] {
  const [only] = groups;
  if (groups.length === 1 && only !== undefined) return only;
  // Every line begins with its time, and equal times stay in the order of the files.
  return groups.flat().toSorted((left, right) => compare(timeOf(left), timeOf(right)));
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function timeOf(line: string): string {
  return /"time":"([^"]*)"/.exec(line)?.[1] ?? '';
}

function read(source: Source): string[] {
  const { path } = source;
  if (path === undefined) return [];
  const parts: Buffer[] = [];
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const buffer = Buffer.alloc(chunkBytes);
      const length = readSync(fd, buffer, 0, chunkBytes, source.offset);
      if (length === 0) break;
      source.offset += length;
      parts.push(buffer.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
  // One character a byte: a character that is cut by a look is whole again when both parts are printed.
  const lines = (source.rest + Buffer.concat(parts).toString('latin1')).split('\n');
  source.rest = lines.pop() ?? '';
  return lines;
}

function newest(dir: string, name: string): string | undefined {
  try {
    const days = readdirSync(dir).filter(file => file.startsWith(`${name}-`) && file.endsWith('.log'));
    const last = days.toSorted().at(-1);
    return last === undefined ? undefined : join(dir, last);
  } catch {
    return undefined;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
