/**
 * Writes the journal: a record is on disk before its action begins, and completed after it. A store that takes nothing must
 * not keep anybody from healing: what cannot be written is logged, kept, and written when the store is back.
 *
 * Owner: the composition root of control. Invariant: a record is written at most once.
 */
import type { JournalRecord, Outcome } from './record.ts';

export interface JournalStore {
  /** Durable when it resolves. */
  open(record: JournalRecord): Promise<void>;
  complete(id: string, outcome: Outcome): Promise<unknown>;
  /** Records of a healer whose action began, `suppressed` and `dry_run` left out. */
  countSince(healer: string, sinceTime: string): Promise<number>;
}

export interface JournalOptions {
  readonly store: JournalStore;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly log: { warn(message: string, fields?: Readonly<Record<string, unknown>>): void };
}

/** What waits for a store that is away; more is lost, and the log has it. */
const maxWaiting = 200;

export class Journal {
  readonly #options: JournalOptions;
  #waiting: JournalRecord[] = [];

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Never rejects. Resolves when the record is on disk, or when it is clear that it cannot be now. */
  async open(
    draft: Omit<JournalRecord, 'id' | 'time' | 'result' | 'duration_ms' | 'requests_affected'>,
  ): Promise<JournalRecord> {
    const record: JournalRecord = {
      id: this.#options.newId(),
      time: this.#options.now().toISOString(),
      ...draft,
      result: null,
      duration_ms: null,
      requests_affected: null,
    };
    await this.#writeWaiting();
    await this.#write(record);
    return record;
  }

  /** Never rejects. */
  async complete(record: JournalRecord, outcome: Outcome): Promise<void> {
    const waiting = this.#waiting.findIndex(({ id }) => id === record.id);
    if (waiting !== -1) {
      this.#waiting[waiting] = { ...record, ...outcome };
      await this.#writeWaiting();
      return;
    }
    try {
      await this.#options.store.complete(record.id, outcome);
    } catch (error) {
      this.#tell(error, { ...record, ...outcome });
    }
  }

  /** @returns undefined when the store cannot say */
  async countSince(healer: string, since: Date): Promise<number | undefined> {
    try {
      return await this.#options.store.countSince(healer, since.toISOString());
    } catch {
      return undefined;
    }
  }

  async #write(record: JournalRecord): Promise<void> {
    try {
      await this.#options.store.open(record);
    } catch (error) {
      this.#tell(error, record);
      this.#waiting = [...this.#waiting, record].slice(-maxWaiting);
    }
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting[0] !== undefined) {
      const [record] = this.#waiting;
      try {
        await this.#options.store.open(record);
      } catch {
        return;
      }
      this.#waiting = this.#waiting.filter(({ id }) => id !== record.id);
    }
  }

  #tell(error: unknown, record: JournalRecord): void {
    const cause = error instanceof Error ? error.message : String(error);
    this.#options.log.warn('the journal cannot be written', { cause, record });
  }
}
