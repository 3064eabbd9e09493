/**
 * Appends whole lines to a file named after the local day. Several workers may write the same file: each flush is one
 * append of whole lines, which the kernel does not interleave. Lines are gathered for a moment and written together.
 * Nothing here compresses or deletes.
 */
import { closeSync, constants, fstatSync, openSync, write as writeToFile } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '../kernel/make-folder.ts';

export interface DailyFileOptions {
  readonly dir: string;
  /** `combined` makes `combined-2026-11-21.log`. */
  readonly name: string;
  readonly now: () => Date;
  readonly onFailure: (error: Error) => void;
}

const write = promisify(writeToFile);
const flushAfterMs = 100;
/** How soon a file that somebody removed is made again: its lines would go to a file without a name until midnight. */
const checkAfterMs = 5000;
const flushAtChars = 64 * 1024;
/** When the disk does not take what we write, new lines are dropped before memory grows without end. */
const maxPendingChars = 8 * 1024 * 1024;

export class DailyFile {
  readonly #options: DailyFileOptions;
  #pending: string[] = [];
  #pendingChars = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #fd: number | undefined;
  #day = '';
  #checkedAtMs = 0;
  /** The disk took a part of a line; the next one must not continue it. */
  #torn = false;

  constructor(options: DailyFileOptions) {
    this.#options = options;
  }

  /** @param line ends with a line feed */
  append(line: string): void {
    if (this.#pendingChars > maxPendingChars) return;
    this.#pending.push(line);
    this.#pendingChars += line.length;
    if (this.#pendingChars >= flushAtChars) void this.#flush();
    else this.#flushSoon();
  }

  /** Writes what is pending and closes. Nothing may be appended afterwards. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #flush(): Promise<void> {
    if (this.#writing !== undefined) return;
    const text = this.#take();
    if (text === '') return;
    this.#writing = this.#write(text);
    await this.#writing;
    this.#writing = undefined;
    if (this.#pendingChars > 0) this.#flushSoon();
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, flushAfterMs).unref();
  }

  /** Never rejects: a log that cannot be written is told, and the server goes on. */
  async #write(text: string): Promise<void> {
    try {
      const fd = this.#open();
      const whole = this.#torn ? `\n${text}` : text;
      const { bytesWritten } = await write(fd, whole);
      if (bytesWritten > 0) this.#torn = bytesWritten < Buffer.byteLength(whole);
      if (this.#torn) throw new Error('the disk took only a part of the lines');
    } catch (error) {
      this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(): string {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingChars = 0;
    return text;
  }

  #open(): number {
    const now = this.#options.now();
    const day = localDay(now);
    if (this.#fd !== undefined && day === this.#day && !this.#isRemoved(this.#fd, now.getTime())) return this.#fd;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#torn = false;
    const { dir, name } = this.#options;
    makeFolder(dir);
    this.#fd = openSync(
      join(dir, `${name}-${day}.log`),
      constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY,
      0o600,
    );
    this.#day = day;
    this.#checkedAtMs = now.getTime();
    return this.#fd;
  }

  #isRemoved(fd: number, nowMs: number): boolean {
    if (Math.abs(nowMs - this.#checkedAtMs) < checkAfterMs) return false;
    this.#checkedAtMs = nowMs;
    return fstatSync(fd).nlink === 0;
  }
}

/** File names carry the day of the place where they are read; the times in the lines are UTC. */
export function localDay(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
