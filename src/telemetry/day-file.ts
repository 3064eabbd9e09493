/**
 * The file of the day in one folder: opened when it is needed, made again when somebody removed it, for its owner alone. Nothing here
 * compresses or deletes. Owner: the log file that writes there.
 */
import { closeSync, constants, fstatSync, openSync, statfsSync, statSync, write as writeToFile } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '../kernel/make-folder.ts';

export interface DayFileOptions {
  readonly dir: string;
  /** `combined` makes `combined-2026-11-21.log`. */
  readonly name: string;
  readonly now: () => Date;
  /** Whether anything may be written there at all; asked before it is opened. */
  readonly isAllowed?: ((dir: string) => boolean) | undefined;
}

/** The disk took a part; what follows must be written again, beginning with the line that was cut. */
export class PartialWrite extends Error {
  readonly rest: string;

  constructor(rest: string) {
    super('the disk took only a part of the lines');
    this.rest = rest;
  }
}

const write = promisify(writeToFile);
/** How soon a file that somebody removed or moved is made again: its lines would go where nobody looks until midnight. */
const checkAfterMs = 5000;

export class DayFile {
  readonly #options: DayFileOptions;
  #fd: number | undefined;
  #path = '';
  #day = '';
  #checkedAtMs = 0;
  /** The disk took a part of a line; the next one must not continue it. */
  #torn = false;

  constructor(options: DayFileOptions) {
    this.#options = options;
  }

  /** @param text whole lines @throws PartialWrite, or what the disk says: then nothing of it was written */
  async write(text: string): Promise<void> {
    const fd = this.#open();
    const mark = this.#torn ? '\n' : '';
    const whole = Buffer.from(mark + text);
    const { bytesWritten } = await write(fd, whole);
    if (bytesWritten === whole.length) {
      this.#torn = false;
      return;
    }
    if (bytesWritten === 0) throw new Error('the disk took nothing');
    this.#torn = true;
    const cutAt = whole.lastIndexOf('\n', bytesWritten - 1) + 1;
    this.#torn = cutAt < bytesWritten;
    throw new PartialWrite(whole.toString('utf8', Math.max(cutAt, mark.length)));
  }

  /** Whether it looks as if a write would succeed. */
  isWell(): boolean {
    try {
      this.#open();
      const { bavail, bsize } = statfsSync(this.#options.dir);
      return bavail * bsize > 0;
    } catch {
      return false;
    }
  }

  close(): void {
    const fd = this.#fd;
    // First: whatever becomes of it, the number may be somebody else's file from now on.
    this.#fd = undefined;
    if (fd === undefined) return;
    try {
      closeSync(fd);
    } catch {
      // The disk has lost what was written, and says so now; there is nothing left to write it again.
    }
  }

  #open(): number {
    const now = this.#options.now();
    const day = localDay(now);
    if (this.#fd !== undefined && day === this.#day && !this.#isRemoved(this.#fd, now.getTime())) return this.#fd;
    this.close();
    this.#torn = false;
    const { dir, name, isAllowed } = this.#options;
    makeFolder(dir);
    if (isAllowed?.(dir) === false) throw new Error(`${dir} is open to others`);
    const flags = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY;
    this.#path = join(dir, `${name}-${day}.log`);
    this.#fd = openSync(this.#path, flags, 0o600);
    this.#day = day;
    this.#checkedAtMs = now.getTime();
    return this.#fd;
  }

  #isRemoved(fd: number, nowMs: number): boolean {
    if (Math.abs(nowMs - this.#checkedAtMs) < checkAfterMs) return false;
    this.#checkedAtMs = nowMs;
    return statSync(this.#path, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino;
  }
}

/** File names carry the day of the place where they are read; the times in the lines are UTC. */
export function localDay(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
