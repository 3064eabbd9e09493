/** Reading the journal page by page: the newest records, and what came after one that is known. */
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import type { ApiClient } from '../api-client.ts';

export interface JournalPage {
  readonly records: readonly JsonObject[];
  readonly nextCursor: string | undefined;
  readonly hasMore: boolean;
}

const pageSize = 100;

export class JournalPages {
  readonly #client: ApiClient;
  readonly #healer: string | undefined;

  constructor(client: ApiClient, healer: string | undefined) {
    this.#client = client;
    this.#healer = healer;
  }

  /** Newest first, at most `limit`. */
  async newest(limit: number, signal: AbortSignal): Promise<JournalPage> {
    const records: JsonObject[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await this.#page({ limit: Math.min(limit - records.length, pageSize), cursor }, signal);
      records.push(...page.records.slice(0, limit - records.length));
      cursor = page.nextCursor;
      // A page without records would make this a loop without end.
      const isLast = !page.hasMore || cursor === undefined || page.records.length === 0;
      if (isLast || records.length >= limit) return { ...page, records };
    }
  }

  /** Oldest first, one page. */
  async after(id: string, signal: AbortSignal): Promise<JournalPage> {
    return this.#page({ limit: pageSize, after: id }, signal);
  }

  async #page(query: Readonly<Record<string, string | number | undefined>>, signal: AbortSignal): Promise<JournalPage> {
    const healer = this.#healer;
    const request = { method: 'GET', path: '/api/journal', query: { ...query, healer } } as const;
    const { data, next_cursor: cursor, has_more: hasMore } = await this.#client.send(request, signal);
    if (!Array.isArray(data) || !data.every(isRecord)) {
      throw new CommandFailure(exitCodes.failed, 'The journal cannot be understood: is the server of another version?');
    }
    return { records: data, nextCursor: typeof cursor === 'string' ? cursor : undefined, hasMore: hasMore === true };
  }
}

export function idOf(record: JsonObject): string {
  return String(record['id']);
}

function isRecord(value: unknown): value is JsonObject {
  return isObject(value) && (typeof value['id'] === 'string' || typeof value['id'] === 'number');
}
