/**
 * Writes the journal: a record is on disk before its action begins, and completed after it. A store that takes nothing must
 * not keep anybody from healing: what cannot be written is logged, kept, and written when the store is back.
 *
 * Owner: the composition root of each process that heals. Control calls `flush` again and again, and once at the end. Writing a
 * record again is harmless, so that one of which nobody knows whether it was written is simply written once more.
 */
import { late, withDeadline } from '../kernel/deadline.ts';
import type { JournalRecord, Outcome } from './record.ts';

export interface JournalStore {
  /** Durable when it resolves. A record that is there already and still open takes the outcome of the given one. */
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

/** Healing does not wait longer than this for a store that is busy; whatever comes of the write, it is written once more. */
const writeMs = 400;
/** What waits for a store that is away; more is lost, and the log has it. */
const maxWaiting = 200;

export class Journal {
  readonly #options: JournalOptions;
  #waiting: JournalRecord[] = [];
  #flushing: Promise<void> | undefined;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /**
   * Never rejects. Resolves when the record is on disk, or when it is clear that it cannot be now.
   * @param draft with an id where that was promised to somebody; a record of that id that is still open goes on
   */
  async open(
    draft: Omit<JournalRecord, 'id' | 'time' | 'result' | 'duration_ms' | 'requests_affected'> & {
      readonly id?: string;
    },
  ): Promise<JournalRecord> {
    const { store, newId, now } = this.#options;
    const time = now().toISOString();
    const record = { id: newId(), time, ...draft, result: null, duration_ms: null, requests_affected: null };
    await this.#orKeep(record, () => store.open(record));
    return record;
  }

  /** Never rejects. */
  async complete(record: JournalRecord, outcome: Outcome): Promise<void> {
    const completed = { ...record, ...outcome };
    const at = this.#waiting.findIndex(({ id }) => id === record.id);
    if (at === -1) await this.#orKeep(completed, () => this.#options.store.complete(record.id, outcome));
    else this.#waiting[at] = completed;
  }

  /** Writes what waits, as far as the store takes it. Never rejects; called twice at a time it does it once. */
  flush(): Promise<void> {
    this.#flushing ??= this.#writeWaiting().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** @returns undefined when the store cannot say */
  async countSince(healer: string, since: Date): Promise<number | undefined> {
    try {
      return await this.#options.store.countSince(healer, since.toISOString());
    } catch {
      return undefined;
    }
  }

  async #orKeep(record: JournalRecord, write: () => Promise<unknown>): Promise<void> {
    try {
      await withDeadline(writeMs, signal => Promise.race([write(), late(signal, 'the store is busy')]));
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      this.#options.log.warn('the journal cannot be written', { cause, record });
      this.#waiting = [...this.#waiting, record].slice(-maxWaiting);
    }
  }

  async #writeWaiting(): Promise<void> {
    for (let left = this.#waiting.length; left > 0; left--) {
      const [record] = this.#waiting;
      if (record === undefined) return;
      const written = await this.#options.store.open(record).then(
        () => true,
        () => false,
      );
      // It may have been completed, or pushed out, meanwhile.
      const latest = this.#waiting.find(({ id }) => id === record.id);
      this.#waiting = this.#waiting.filter(({ id }) => id !== record.id);
      if (latest !== undefined && (!written || latest !== record)) this.#waiting.push(latest);
      // Behind the others, so that one that can never be written does not keep them.
      if (!written) return;
    }
  }
}
