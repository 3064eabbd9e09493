/**
 * The files of a process's log, and how they are: where their lines go, what was lost, why. Owner: the logger.
 */
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DailyFile } from './daily-file.ts';

export interface LogHealth {
  /** `held`: no folder takes them, they wait in memory. */
  readonly is: 'well' | 'elsewhere' | 'held';
  /** Since the process began. */
  readonly lostLines: number;
  /** Why lines do not go where they belong. */
  readonly cause: string | undefined;
}

export interface LogFilesOptions {
  readonly dir: string;
  readonly fallbackDir: string | undefined;
  readonly now: () => Date;
  /** Told the first failure of an episode, at once. */
  readonly onFailure: (error: Error) => void;
  /** Told when it is another health than before. */
  readonly onHealth: (health: LogHealth) => void;
}

export class LogFiles {
  readonly combined: DailyFile;
  readonly warn: DailyFile;
  readonly error: DailyFile;
  readonly #options: LogFilesOptions;
  readonly #dirs: readonly string[];
  #cause: string | undefined;
  #told: LogHealth['is'] = 'well';
  #mayFallBack = true;

  constructor(options: LogFilesOptions) {
    this.#options = options;
    const { dir, fallbackDir } = options;
    this.#dirs = [dir, ...(fallbackDir === undefined ? [] : [fallbackDir]), temporaryFolder()];
    this.combined = this.#file('combined');
    this.warn = this.#file('warn');
    this.error = this.#file('error');
  }

  get health(): LogHealth {
    const worst = Math.max(...this.#all.map(({ place }) => place));
    const is = worst === 0 ? 'well' : worst < this.#dirs.length ? 'elsewhere' : 'held';
    return { is, lostLines: this.#all.reduce((sum, { lostLines }) => sum + lostLines, 0), cause: this.#cause };
  }

  /** Whether lines may go elsewhere, and be held, when their folder does not take them; they may from the beginning. */
  allowFallback(isAllowed: boolean): void {
    this.#mayFallBack = isAllowed;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(file => file.close()));
  }

  get #all(): readonly DailyFile[] {
    return [this.combined, this.warn, this.error];
  }

  #file(name: string): DailyFile {
    return new DailyFile({
      dirs: this.#dirs,
      name,
      now: this.#options.now,
      onFailure: error => this.#failed(error),
      onPlace: () => this.#tell(),
      mayFallBack: () => this.#mayFallBack,
      isAllowed: dir => dir !== temporaryFolder() || isPrivate(dir),
    });
  }

  /** The first of an episode: what is wrong with the other folders makes no difference. */
  #failed(error: Error): void {
    if (this.#cause !== undefined) return;
    this.#cause = error.message;
    this.#options.onFailure(error);
  }

  #tell(): void {
    const { health } = this;
    if (health.is === this.#told) return;
    this.#told = health.is;
    if (health.is === 'well') this.#cause = undefined;
    this.#options.onHealth(health);
  }
}

function temporaryFolder(): string {
  return join(tmpdir(), `deci-logs-${process.getuid?.() ?? 'user'}`);
}

/** The temporary folder is everybody's: one of this name may have been put there by somebody who wants to read along. */
function isPrivate(dir: string): boolean {
  const { uid, mode } = statSync(dir);
  return uid === process.getuid?.() && (mode & 0o077) === 0;
}
