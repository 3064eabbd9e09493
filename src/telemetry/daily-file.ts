/**
 * Appends whole lines to a file named after the local day. Several workers may write the same file: each flush is one
 * append of whole lines, which the kernel does not interleave. Lines are gathered for a moment and written together.
 *
 * What the first folder does not take goes to the next one, and what none takes is held in memory, up to a bound, beyond which the
 * oldest lines are lost and counted. The first folder is tried again all the while; what was held is written then, in its order.
 */
import { DayFile, PartialWrite } from './day-file.ts';

export interface DailyFileOptions {
  /** Where it belongs, then where else it may go. */
  readonly dirs: readonly string[];
  /** `combined` makes `combined-2026-11-21.log`. */
  readonly name: string;
  readonly now: () => Date;
  /** Monotonic, in ms. */
  readonly clock?: () => number;
  /** Told of each write that did not go where it was meant to. */
  readonly onFailure: (error: Error) => void;
  /** Told when lines begin to go to another place. */
  readonly onPlace?: (place: number) => void;
  /** Whether another folder than the first may be used; always when absent. */
  readonly mayFallBack?: (() => boolean) | undefined;
  readonly isAllowed?: ((dir: string) => boolean) | undefined;
}

const flushAfterMs = 100;
const flushAtChars = 64 * 1024;
/** While the disk does not take what we write, memory does not grow without end. */
const maxPendingChars = 8 * 1024 * 1024;
const maxHeldChars = 1024 * 1024;
const firstRetryMs = 1000;
const maxRetryMs = 8000;

export class DailyFile {
  readonly #options: DailyFileOptions;
  readonly #files: readonly DayFile[];
  #pending: string[] = [];
  #pendingChars = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #held = '';
  #lostLines = 0;
  /** Which folder took the last lines; as many as there are when none did. */
  #place = 0;
  #retryMs = firstRetryMs;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(options: DailyFileOptions) {
    this.#options = options;
    const { dirs, name, now, isAllowed } = options;
    this.#files = dirs.map(dir => new DayFile({ dir, name, now, isAllowed }));
  }

  /** 0 where it belongs; `dirs.length` while lines are held in memory. */
  get place(): number {
    return this.#place;
  }

  /** Since it was made. */
  get lostLines(): number {
    return this.#lostLines;
  }

  /** @param line ends with a line feed */
  append(line: string): void {
    if (this.#pendingChars > maxPendingChars) {
      this.#lostLines++;
      return;
    }
    this.#pending.push(line);
    this.#pendingChars += line.length;
    if (this.#pendingChars >= flushAtChars) void this.#flush();
    else this.#flushSoon();
  }

  /** Writes what is pending and closes. Nothing may be appended afterwards. */
  async close(): Promise<void> {
    await this.#writing;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
    await this.#flush();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    for (const file of this.#files) file.close();
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
    let rest = text;
    const mayFallBack = this.#options.mayFallBack?.() !== false;
    const end = mayFallBack ? this.#files.length : 1;
    const first = this.#isTimeForFirst() ? 0 : Math.min(Math.max(1, this.#place), end);
    for (let place = first; place < end; place++) {
      try {
        await this.#files[place]?.write(rest);
        this.#arrived(place);
        return;
      } catch (error) {
        if (error instanceof PartialWrite) ({ rest } = error);
        if (place === 0) this.#firstFailed();
        this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#arrived(this.#files.length);
    this.#hold(rest, mayFallBack);
  }

  #isTimeForFirst(): boolean {
    return this.#place === 0 || this.#clock() >= this.#retryAtMs;
  }

  #firstFailed(): void {
    if (this.#place !== 0) this.#retryMs = Math.min(maxRetryMs, 2 * this.#retryMs);
    this.#retryAtMs = this.#clock() + this.#retryMs;
  }

  #arrived(place: number): void {
    const before = this.#place;
    this.#place = place;
    if (place !== before) this.#options.onPlace?.(place);
    if (place === 0) this.#retryMs = firstRetryMs;
    else this.#retrySoon();
  }

  /** @param mayHold where lines may go nowhere else, they are lost */
  #hold(text: string, mayHold: boolean): void {
    if (!mayHold) {
      this.#lostLines += linesIn(text);
      return;
    }
    this.#held = text;
    if (this.#held.length <= maxHeldChars) return;
    const cutAt = this.#held.indexOf('\n', this.#held.length - maxHeldChars - 1) + 1;
    this.#lostLines += linesIn(this.#held.slice(0, cutAt));
    this.#held = this.#held.slice(cutAt);
  }

  /** Also when nobody logs anything: what is held must not wait for that, and it shall be known that it is well again. */
  #retrySoon(): void {
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      void this.#retry();
    }, this.#retryMs).unref();
  }

  async #retry(): Promise<void> {
    if (this.#place === 0) return;
    if (this.#held !== '' || this.#pendingChars > 0) {
      await this.#flush();
    } else if (this.#files[0]?.isWell() === true) {
      this.#arrived(0);
    } else {
      this.#firstFailed();
    }
    if (this.#place !== 0) this.#retrySoon();
  }

  #clock(): number {
    return (this.#options.clock ?? monotonicMs)();
  }

  #take(): string {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#held + this.#pending.join('');
    this.#held = '';
    this.#pending = [];
    this.#pendingChars = 0;
    return text;
  }
}

function monotonicMs(): number {
  return performance.now();
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}
