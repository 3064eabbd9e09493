/** What the main thread and the store's thread tell each other. */
import type { SQLInputValue } from 'node:sqlite';
import type { SlowStatement, StatementResult } from '../statements.ts';
import { StoreError, type StoreReason, type WriteOutcome } from '../store-error.ts';

export interface BatchStatement {
  readonly sql: string;
  readonly params?: readonly SQLInputValue[];
}

export type ThreadTask =
  /** Makes (if it may), checks and migrates the file; `whole` reads all of it, however large. */
  | { readonly is: 'prepare'; readonly mayCreate: boolean; readonly whole?: boolean }
  /** One transaction. */
  | { readonly is: 'batch'; readonly statements: readonly BatchStatement[] }
  /** Tidies the planner's figures and an overgrown write-ahead log. */
  | { readonly is: 'optimize' }
  /** Reads the whole file. */
  | { readonly is: 'check' };

export interface ThreadRequest {
  readonly task: ThreadTask;
  readonly timeoutMs: number;
}

export type ThreadReply =
  | { readonly is: 'done'; readonly results: readonly StatementResult[] }
  | {
      readonly is: 'store_error';
      readonly reason: StoreReason;
      readonly outcome: WriteOutcome;
      readonly detail: string | undefined;
    }
  | { readonly is: 'failed'; readonly message: string; readonly errcode: number | undefined }
  | { readonly is: 'slow'; readonly statement: SlowStatement };

export interface ThreadSettings {
  readonly path: string;
  readonly checkMaxBytes: number;
  readonly maxWalBytes: number;
  readonly slowMs: number;
}

/** @returns what a failed reply stands for, as an error of this thread */
export function replyError(reply: Exclude<ThreadReply, { is: 'done' | 'slow' }>, path: string): Error {
  if (reply.is === 'store_error') {
    const { reason, outcome, detail } = reply;
    return new StoreError(reason, { path, outcome, ...(detail === undefined ? {} : { detail }) });
  }
  return Object.assign(new Error(reply.message), reply.errcode === undefined ? {} : { errcode: reply.errcode });
}
