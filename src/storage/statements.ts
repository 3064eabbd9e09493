/** Prepared statements of one connection, by their text. Bounded, since a text that is built anew each time would not end. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

export type Row = Record<string, SQLOutputValue>;

/** A statement that held its thread for long: its text, never its values. */
export interface SlowStatement {
  readonly sql: string;
  readonly ms: number;
}

export interface StatementsOptions {
  readonly slowMs: number;
  readonly onSlow: (statement: SlowStatement) => void;
}

export interface StatementResult {
  readonly rows: readonly Row[];
  readonly changes: number;
}

const maxStatements = 200;

export class Statements {
  readonly #db: DatabaseSync;
  readonly #options: StatementsOptions;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, options: StatementsOptions) {
    this.#db = db;
    this.#options = options;
  }

  /**
   * Always steps to the end: a statement that is left after its first row commits while it is reset, where a full disk
   * would go unnoticed.
   */
  all(sql: string, params: readonly SQLInputValue[] = []): Row[] {
    return this.#timed(sql, statement => statement.all(...params));
  }

  execute(sql: string, params: readonly SQLInputValue[] = []): StatementResult {
    return this.#timed(sql, statement => {
      if (statement.columns().length === 0) return { rows: [], changes: Number(statement.run(...params).changes) };
      const rows = statement.all(...params);
      return { rows, changes: rows.length };
    });
  }

  #timed<T>(sql: string, work: (statement: StatementSync) => T): T {
    const { slowMs, onSlow } = this.#options;
    const startedAt = performance.now();
    const result = work(this.#prepare(sql));
    const ms = performance.now() - startedAt;
    if (ms > slowMs) onSlow({ sql, ms });
    return result;
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    const [oldest] = this.#prepared.keys();
    if (this.#prepared.size >= maxStatements && oldest !== undefined) this.#prepared.delete(oldest);
    this.#prepared.set(sql, statement);
    return statement;
  }
}
